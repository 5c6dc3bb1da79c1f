// The way back to the outcome of a film, from any page of the tab in which it was made.

import { button, h } from "./dom.js";
import { t } from "./i18n.js";
import { go } from "./pages.js";
import { state } from "./state.js";

/**
 * Make the card that leads to the outcome of the last film.
 *
 * @returns {HTMLElement | null} null when there is none
 */
export function lastFilm() {
  const last = state.last;
  if (!last) return null;
  return h(
    "section",
    { class: "card" },
    h("p", {}, t("welcome.last")),
    button(t("welcome.last.see"), () => go("send", { arrived: last }), { kind: "main" }),
  );
}
