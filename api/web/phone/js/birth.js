// The fields for a date of birth, which the person writes in the digits of any script.

import { h } from "./dom.js";
import { t } from "./i18n.js";

/**
 * Make the fields for a date of birth.
 *
 * @returns {{fields: HTMLElement, inputs: HTMLInputElement[], value: () => string | null}} `value`: the date as ISO
 *   8601, or null when there is no such day
 */
export function birthDate() {
  const parts = ["day", "month", "year"].map((name) => ({
    name,
    input: /** @type {HTMLInputElement} */ (
      h("input", {
        id: name,
        type: "text",
        inputmode: "numeric",
        pattern: "[0-9]*",
        maxlength: name === "year" ? "4" : "2",
        autocomplete: name === "year" ? "bday-year" : `bday-${name}`,
        required: true,
        "aria-describedby": "problem",
      })
    ),
  }));
  const inputs = parts.map((part) => part.input);
  const fields = h(
    "fieldset",
    {},
    h("legend", {}, t("find.birth")),
    h(
      "div",
      { class: "date" },
      parts.map((part) => h("div", {}, h("label", { for: part.name }, t(`find.${part.name}`)), part.input)),
    ),
  );
  return { fields, inputs, value: () => date(inputs.map((input) => digits(input.value))) };
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
