import { h } from "./dom.js";

/** Return the field for the code of a message. @returns {HTMLInputElement} */
export function digitsField() {
  return /** @type {HTMLInputElement} */ (
    h("input", {
      id: "digits",
      class: "number",
      type: "text",
      inputmode: "numeric",
      autocomplete: "one-time-code",
      maxlength: "8",
      required: true,
      "aria-describedby": "problem",
    })
  );
}

/** Return the digits in a field, whatever digits and spaces were typed. @param {HTMLInputElement} input */
export function digitsIn(input) {
  return input.value.normalize("NFKC").replace(/\D/g, "");
}
