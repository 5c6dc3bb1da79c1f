/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { withCode } from "../confirmed.js";
import { button, h, submits } from "../dom.js";
import { current, day, number, t } from "../i18n.js";
import { go } from "../pages.js";
import { keepTyped } from "../state.js";

/**
 * Ask how the fund reaches the person, and whether it may send reminders.
 *
 * @param {{saved?: boolean}} options `saved`: whether it was changed just now
 * @returns {Promise<Page>}
 */
export async function contact({ saved = false }) {
  /** @type {Service.ContactOut} */
  const known = await call("/v1/me/contact");
  const said = h("p", { id: "problem", role: "status", hidden: true });
  const phone = field("phone", {
    type: "tel",
    autocomplete: "tel",
    value: known.phone ?? "",
    "aria-describedby": "phone-hint problem",
    class: "number",
  });
  const email = field("email", { type: "email", autocomplete: "email", value: known.email ?? "" });
  const reminders = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", checked: known.reminders }));
  const from = hours("from", known.quiet_from);
  const to = hours("to", known.quiet_to);
  const form = h(
    "form",
    { novalidate: true },
    h("label", { for: "phone" }, t("contact.phone")),
    h("p", { class: "hint", id: "phone-hint" }, t("contact.phone.hint")),
    phone,
    h("label", { for: "email" }, t("contact.email")),
    email,
    h("label", { class: "choice" }, reminders, h("span", {}, t("contact.reminders"))),
    h(
      "fieldset",
      {},
      h("legend", {}, t("contact.quiet")),
      h("div", { class: "pair" }, from, h("span", {}, t("contact.quiet.and")), to),
    ),
    said,
    button(t("contact.save"), () => {}, { kind: "main", type: "submit" }),
  );
  const sent = keepTyped(form, "contact");
  submits(form, async () => {
    const json = {
      phone: phone.value.trim() || null,
      email: email.value.trim() || null,
      language: current(),
      reminders: reminders.checked,
      quiet_from: Number(from.value),
      quiet_to: Number(to.value),
    };
    try {
      await withCode(async () => {
        await call("/v1/me/contact", { json });
        sent();
        await go("contact", { saved: true }, { replace: true });
      });
      return;
    } catch (error) {
      if (!(error instanceof Problem && error.status === 422)) throw error;
      said.className = "error";
      said.textContent = t("contact.error");
    }
    said.hidden = false;
  });
  return {
    title: t("contact.title"),
    back: "status",
    body: [
      saved ? h("p", { class: "note", role: "status" }, t("contact.saved")) : null,
      h("p", {}, t("contact.text")),
      known.change ? waiting(known.change) : null,
      form,
    ],
  };
}

/** Show the change that waits for its day, and undo it. @param {Service.ContactChangeOut} change */
function waiting(change) {
  const value = [change.phone, change.email].filter(Boolean).join(", ") || "–";
  return h(
    "section",
    { class: "card" },
    h("p", {}, t("contact.change", { date: day(change.at), value })),
    button(t("contact.keep"), keepOld),
  );
}

/** Keep the old telephone and e-mail. */
export const keepOld = () =>
  withCode(async () => {
    await call("/v1/me/contact/keep", { method: "POST" });
    await go("contact", { saved: true }, { replace: true });
  });

/** @param {string} id @param {Record<string, any>} props @returns {HTMLInputElement} */
const field = (id, props) => /** @type {HTMLInputElement} */ (h("input", { id, ...props }));

/** @param {"from" | "to"} id @param {number} chosen hour of the day @returns {HTMLSelectElement} */
function hours(id, chosen) {
  const label = t(id === "from" ? "contact.quiet" : "contact.quiet.and");
  return /** @type {HTMLSelectElement} */ (
    h(
      "select",
      { id, "aria-label": label },
      Array.from({ length: 24 }, (_, hour) =>
        h("option", { value: String(hour), selected: hour === chosen }, t("contact.hour", { hour: number(hour) })),
      ),
    )
  );
}
