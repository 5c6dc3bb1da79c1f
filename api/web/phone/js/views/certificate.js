/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { button, h } from "../dom.js";
import { t, day } from "../i18n.js";

/**
 * Show the certificate with its code, to be saved or printed.
 *
 * @param {object} options
 * @param {import("../state.js").Capture} [options.session] a capture that has just succeeded; else the sign-in counts
 * @param {string} [options.number] of the certificate of that capture
 * @returns {Promise<Page>}
 */
export async function certificate({ session, number }) {
  /** @type {Service.CertificateOut} */
  let found;
  try {
    found = session
      ? await call(`/v1/certificates/${number}`, { token: session.token })
      : await call("/v1/me/certificate", { method: "POST" });
  } catch (error) {
    if (!(error instanceof Problem && error.code === "not_certified")) throw error;
    return { title: t("certificate.title"), back: "status", body: [h("p", {}, t("certificate.none"))] };
  }
  const image = URL.createObjectURL(
    await call(`/v1/certificates/${found.number}/qr`, { token: session?.token, raw: true }),
  );
  return {
    title: t("certificate.title"),
    back: session ? null : "status",
    leave: () => URL.revokeObjectURL(image),
    body: [
      h("p", {}, t("certificate.text")),
      h("img", {
        class: "qr",
        src: image,
        alt: t("certificate.qr", { number: found.number }),
        width: "300",
        height: "300",
      }),
      h(
        "ul",
        { class: "rows card" },
        h("li", {}, h("strong", {}, t("certificate.until")), day(found.valid_until)),
        h("li", {}, h("strong", {}, t("certificate.number")), h("bdi", {}, found.number)),
      ),
      button(
        t("certificate.save"),
        async () => {
          const sheet = `/v1/certificates/${found.number}/pdf?language=${document.documentElement.lang}`;
          const page = await call(sheet, { token: session?.token, raw: true });
          const address = URL.createObjectURL(page);
          const link = /** @type {HTMLAnchorElement} */ (h("a", { href: address, download: `${found.number}.pdf` }));
          link.click();
          setTimeout(() => URL.revokeObjectURL(address), 60_000);
        },
        { kind: "main" },
      ),
    ],
  };
}
