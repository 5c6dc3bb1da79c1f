// Somebody to turn to: the number of the fund, which people call when a page does not help.

import { h } from "./dom.js";
import { HELP_PHONE, t } from "./i18n.js";

/**
 * Make the link that calls the fund.
 *
 * @param {string} [kind] how it looks: "main", "plain" or nothing
 * @returns {HTMLElement | null} null when the fund has no number
 */
export function callUs(kind = "") {
  if (!HELP_PHONE) return null;
  const dial = HELP_PHONE.replace(/[^+0-9]/g, "");
  return h(
    "a",
    { class: `button ${kind}`, href: `tel:${dial}` },
    h("span", {}, t("help.call")),
    " ",
    h("bdi", {}, HELP_PHONE),
  );
}
