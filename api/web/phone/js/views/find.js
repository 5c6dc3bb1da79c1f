/** @import { Page } from "../pages.js" */
import { button, h } from "../dom.js";
import { t } from "../i18n.js";
import { go } from "../pages.js";
import { state } from "../state.js";

/**
 * Ask for a number and the birth date. What the person enters stays in memory, and is never stored on the device.
 *
 * @param {{then?: "prepare" | "code"}} options `then`: the page that is next
 * @returns {Page}
 */
export function find({ then = "prepare" }) {
  let kind = "card";
  const label = h("label", { for: "number" }, t("find.card"));
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "number",
      class: "number",
      type: "text",
      autocomplete: "off",
      autocapitalize: "characters",
      spellcheck: "false",
      required: true,
      "aria-describedby": "problem",
    })
  );
  const problem = h("p", { id: "problem", class: "error", role: "alert", hidden: true });
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
      })
    ),
  }));
  /** @param {string} value */
  const choose = (value) => {
    kind = value;
    label.textContent = t(value === "card" ? "find.card" : "find.id");
  };
  /** @param {string} text @param {HTMLInputElement} where */
  const complain = (text, where) => {
    problem.textContent = text;
    problem.hidden = false;
    for (const each of [input, ...parts.map((part) => part.input)]) each.removeAttribute("aria-invalid");
    where.setAttribute("aria-invalid", "true");
    where.focus();
  };
  const form = h(
    "form",
    { novalidate: true },
    h(
      "fieldset",
      {},
      h("legend", {}, t("find.by")),
      h(
        "div",
        { class: "segments" },
        ["card", "id"].map((value) =>
          h(
            "label",
            {},
            h("input", { type: "radio", name: "kind", value, checked: value === kind, onchange: () => choose(value) }),
            t(`find.by.${value}`),
          ),
        ),
      ),
    ),
    label,
    input,
    h(
      "fieldset",
      {},
      h("legend", {}, t("find.birth")),
      h(
        "div",
        { class: "date" },
        parts.map((part) => h("div", {}, h("label", { for: part.name }, t(`find.${part.name}`)), part.input)),
      ),
    ),
    problem,
    button(t("find.next"), () => {}, { kind: "main", type: "submit" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = tidy(input.value);
    if (!number) return complain(t("find.error.number"), input);
    if (!plausible(number)) return complain(t("find.error.digits"), input);
    const birth = date(parts.map((part) => digits(part.input.value)));
    if (!birth) return complain(t("find.error.date"), parts[0].input);
    state.who =
      kind === "card" ? { card_number: number, birth_date: birth } : { national_id: number, birth_date: birth };
    return void go(then);
  });
  return { title: t("find.title"), back: "welcome", body: [h("p", {}, t("find.text")), form] };
}

/** Write the digits of any script as 0 to 9. @param {string} text */
function digits(text) {
  return text.normalize("NFKC").replace(/\p{Nd}/gu, (character) => String(digitValue(character)));
}

/** @param {string} character a decimal digit of any script */
function digitValue(character) {
  const point = /** @type {number} */ (character.codePointAt(0));
  let zero = point;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1)) && point - zero < 9) zero -= 1;
  return point - zero;
}

/** @param {string} text */
function tidy(text) {
  return digits(text)
    .replace(/[\s.\-/]/g, "")
    .toUpperCase();
}

/**
 * Tell whether the check digit of an 18-digit number is right (GB 11643-1999, ISO 7064 MOD 11-2).
 *
 * @param {string} number
 * @returns {boolean} true for other numbers of 4 to 40 characters, which are not checked
 */
export function plausible(number) {
  if (number.length < 4 || number.length > 40) return false;
  if (!/^\d{17}[\dX]$/.test(number)) return true;
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((total, weight, place) => total + weight * Number(number[place]), 0);
  return "10X98765432"[sum % 11] === number[17];
}

/** @param {string[]} parts day, month, year @returns {string | null} null when there is no such day */
function date([day, month, year]) {
  const [d, m, y] = [day, month, year].map(Number);
  if (!(y > 1880 && y <= new Date().getFullYear() && m >= 1 && m <= 12 && d >= 1 && d <= 31)) return null;
  const made = new Date(Date.UTC(y, m - 1, d));
  if (made.getUTCMonth() !== m - 1 || made.getTime() > Date.now()) return null;
  return made.toISOString().slice(0, 10);
}
