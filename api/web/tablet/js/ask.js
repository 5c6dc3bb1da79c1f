// Ask before something is deleted, and say what is lost.

import { button, h } from "./dom.js";
import { t } from "./i18n.js";

/**
 * Make a button that deletes only after a second press, on the answer that names what is lost.
 *
 * @param {string} text of the button
 * @param {object} how
 * @param {() => Promise<string> | string} how.loses says what is lost; an empty text asks nothing
 * @param {string} how.yes text of the answer that deletes
 * @param {string} how.no text of the answer that keeps
 * @param {() => unknown} how.action deletes
 * @param {string} [how.kind] look of the first button
 * @returns {HTMLElement}
 */
export function asking(text, { loses, yes, no, action, kind = "plain" }) {
  const question = h("div", { class: "ask", role: "alertdialog", "aria-label": text, hidden: true });
  const first = button(
    text,
    async () => {
      const lost = await loses();
      if (!lost) return void (await action());
      const keep = button(no, () => {
        question.hidden = true;
        first.focus();
      });
      question.replaceChildren(h("p", {}, lost), keep, button(yes, action, { kind: "danger" }));
      question.hidden = false;
      keep.focus();
    },
    { kind },
  );
  return h("div", {}, first, question);
}

/**
 * Say what a visit that was begun holds.
 *
 * @param {import("./draft.js").Draft} draft
 * @returns {string} empty when nothing was entered
 */
export function heldIn(draft) {
  const parts = [
    draft.shots.length ? t("ask.photos", { count: draft.shots.length }) : "",
    draft.who ? t("ask.number") : "",
    draft.whyNoFace || draft.note || draft.movedTo ? t("ask.notes") : "",
    draft.witnesses.some((each) => each.name) ? t("ask.witnesses") : "",
    draft.death ? t("ask.death") : "",
  ].filter(Boolean);
  return parts.length ? t("ask.lost", { what: parts.join(" · ") }) : "";
}
