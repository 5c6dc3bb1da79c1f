// The fields for a date of birth, which the person writes in the digits of any script.

import { h } from "./dom.js";
import { current, t } from "./i18n.js";

/** Day, month and year in the order in which the language writes them. */
const ORDER = ["day", "month", "year"];

/**
 * The fields for a date of birth.
 *
 * @typedef {object} BirthDate
 * @property {HTMLElement} fields
 * @property {HTMLInputElement[]} inputs in the order of the screen
 * @property {() => string | null} value the date as ISO 8601, or null when there is no such day
 * @property {() => void} complain say at the fields what is wrong, and mark the first that is
 * @property {() => void} clear take that back
 */

/**
 * Make the fields for a date of birth.
 *
 * @returns {BirthDate}
 */
export function birthDate() {
  const said = h("p", { id: "birth-problem", class: "error", role: "alert", hidden: true });
  const inputs = order().map(
    (name) =>
      /** @type {HTMLInputElement} */ (
        h("input", {
          id: name,
          type: "text",
          inputmode: "numeric",
          pattern: "[0-9]*",
          maxlength: name === "year" ? "4" : "2",
          autocomplete: name === "year" ? "bday-year" : `bday-${name}`,
          required: true,
          "aria-describedby": "birth-problem",
        })
      ),
  );
  const fields = h(
    "fieldset",
    {},
    h("legend", {}, t("find.birth")),
    h(
      "div",
      { class: "date" },
      inputs.map((input) => h("div", { class: input.id }, h("label", { for: input.id }, t(`find.${input.id}`)), input)),
    ),
    said,
  );
  const typed = () => ORDER.map((name) => digits(inputs.find((each) => each.id === name)?.value.trim() ?? ""));
  const clear = () => {
    said.hidden = true;
    for (const each of inputs) each.removeAttribute("aria-invalid");
  };
  return {
    fields,
    inputs,
    value: () => date(typed()),
    clear,
    complain: () => {
      clear();
      const { part, key } = wrongPart(typed());
      const at = /** @type {HTMLInputElement} */ (inputs.find((each) => each.id === part));
      said.textContent = t(key);
      said.hidden = false;
      at.setAttribute("aria-invalid", "true");
      at.focus();
    },
  };
}

/** @returns {string[]} names of the parts, as the language orders them */
function order() {
  const parts = new Intl.DateTimeFormat(current(), {
    day: "numeric",
    month: "numeric",
    year: "numeric",
  }).formatToParts();
  const found = parts.map(({ type }) => type).filter((type) => ORDER.includes(type));
  return found.length === ORDER.length ? found : ORDER;
}

/**
 * Tell which part of a date is wrong, and what to say of it.
 *
 * @param {string[]} parts day, month, year, of which one at least is wrong
 */
function wrongPart([day, month, year]) {
  const [d, m, y] = [day, month, year].map(Number);
  if (!(m >= 1 && m <= 12)) return { part: "month", key: "find.error.month" };
  if (!(d >= 1 && d <= 31)) return { part: "day", key: "find.error.day" };
  if (/^\d{2}$/.test(year)) return { part: "year", key: "find.error.year.short" };
  if (!(y > 1880 && y <= new Date().getFullYear())) return { part: "year", key: "find.error.year" };
  return { part: "day", key: "find.error.date" };
}

/**
 * Write the digits of any script as 0 to 9.
 *
 * @param {string} text
 * @returns {string}
 */
export function digits(text) {
  return text.normalize("NFKC").replace(/\p{Nd}/gu, (character) => String(digitValue(character)));
}

/** @param {string} character a decimal digit of any script */
function digitValue(character) {
  const point = /** @type {number} */ (character.codePointAt(0));
  let zero = point;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1)) && point - zero < 9) zero -= 1;
  return point - zero;
}

/** @param {string[]} parts day, month, year @returns {string | null} null when there is no such day */
function date([day, month, year]) {
  const [d, m, y] = [day, month, year].map(Number);
  if (!(y > 1880 && y <= new Date().getFullYear() && m >= 1 && m <= 12 && d >= 1 && d <= 31)) return null;
  const made = new Date(Date.UTC(y, m - 1, d));
  if (made.getUTCMonth() !== m - 1 || made.getTime() > Date.now()) return null;
  return made.toISOString().slice(0, 10);
}
