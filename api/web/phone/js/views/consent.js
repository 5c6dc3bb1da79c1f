/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { withCode } from "../confirmed.js";
import { button, h } from "../dom.js";
import { t } from "../i18n.js";
import { go } from "../pages.js";
import { ownPage } from "../state.js";

/**
 * Give or withdraw consent to being recognised by the face.
 *
 * @param {{saved?: boolean}} options `saved`: whether it was changed just now
 * @returns {Promise<Page>}
 */
export async function consent({ saved = false }) {
  const { consent: given } = await ownPage();
  /** @param {boolean} wanted */
  const set = (wanted) =>
    withCode(async () => {
      await call("/v1/me/consent", { json: { given: wanted } });
      await go("consent", { saved: true }, { replace: true });
    });
  return {
    title: t("consent.title"),
    back: "status",
    body: [
      saved ? h("p", { class: "note", role: "status" }, t("consent.saved")) : null,
      h("p", { class: "lead" }, t(given === null ? "consent.unknown" : given ? "consent.given" : "consent.withdrawn")),
      given === false ? null : h("p", {}, t("consent.withdraw.text")),
      given === false
        ? button(t("consent.give"), () => set(true), { kind: "main" })
        : button(t("consent.withdraw"), () => set(false), { kind: "danger" }),
    ],
  };
}
