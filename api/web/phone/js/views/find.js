/** @import { Page } from "../pages.js" */
import { birthDate, digits } from "../birth.js";
import { button, h } from "../dom.js";
import { t } from "../i18n.js";
import { go } from "../pages.js";
import { keepTyped, state } from "../state.js";

/**
 * Ask for a number and the birth date. What the person enters stays in this tab.
 *
 * @param {{then?: "prepare" | "code" | "visit"}} options `then`: the page that is next
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
  const birthday = birthDate();
  /** @param {string} value */
  const choose = (value) => {
    kind = value;
    label.textContent = t(value === "card" ? "find.card" : "find.id");
  };
  /** @param {string} text of what is wrong with the number */
  const complain = (text) => {
    problem.textContent = text;
    problem.hidden = false;
    input.setAttribute("aria-invalid", "true");
    input.focus();
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
            h("input", {
              id: `by-${value}`,
              type: "radio",
              name: "kind",
              value,
              checked: value === kind,
              onchange: () => choose(value),
            }),
            t(`find.by.${value}`),
          ),
        ),
      ),
    ),
    label,
    input,
    problem,
    birthday.fields,
    button(t("find.next"), () => {}, { kind: "main", type: "submit" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = tidy(input.value);
    problem.hidden = true;
    input.removeAttribute("aria-invalid");
    birthday.clear();
    if (!number) return complain(t("find.error.number"));
    if (!plausible(number)) return complain(t("find.error.digits"));
    const birth = birthday.value();
    if (!birth) return birthday.complain();
    state.who =
      kind === "card" ? { card_number: number, birth_date: birth } : { national_id: number, birth_date: birth };
    return void go(then);
  });
  keepTyped(form, "find");
  choose(/** @type {HTMLInputElement} */ (form.querySelector("#by-id")).checked ? "id" : "card");
  return { title: t("find.title"), back: "welcome", body: [h("p", {}, t("find.text")), form] };
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
