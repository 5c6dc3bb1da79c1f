/** @import { Page } from "../pages.js" */
import { speechIsOn } from "../capture/speak.js";
import { applyTextSize, keep, recall } from "../device.js";
import { changes, h } from "../dom.js";
import { current, LANGUAGES, t } from "../i18n.js";
import { again, setLanguage } from "../pages.js";

/**
 * Choose the language, the size of the text, and whether sentences are read aloud.
 *
 * @returns {Page}
 */
export function settings() {
  const size = recall("text") ?? "large";
  return {
    title: t("menu.title"),
    back: "welcome",
    body: [
      choices(
        t("menu.language"),
        "language",
        Object.entries(LANGUAGES).map(([code, { name }]) => ({ value: code, text: name, lang: code })),
        current(),
        (value) => setLanguage(value),
      ),
      choices(
        t("menu.text.size"),
        "text",
        ["normal", "large", "larger"].map((value) => ({ value, text: t(`menu.text.${value}`) })),
        size,
        (value) => {
          keep("text", value);
          applyTextSize();
        },
      ),
      choices(
        t("menu.speech"),
        "speech",
        ["on", "off"].map((value) => ({ value, text: t(`menu.speech.${value}`) })),
        speechIsOn() ? "on" : "off",
        (value) => {
          keep("speech", value);
          return again();
        },
      ),
    ],
  };
}

/**
 * @param {string} legend
 * @param {string} name
 * @param {{value: string, text: string, lang?: string}[]} options
 * @param {string} chosen value of the option that is chosen now
 * @param {(value: string) => unknown} choose
 */
function choices(legend, name, options, chosen, choose) {
  return h(
    "fieldset",
    {},
    h("legend", {}, legend),
    h(
      "div",
      { class: "segments" },
      options.map(({ value, text, lang }) =>
        h(
          "label",
          { lang },
          changes(h("input", { type: "radio", name, value, checked: value === chosen }), async () => {
            try {
              await choose(value);
            } catch (error) {
              const before = document.querySelector(`input[name="${name}"][value="${chosen}"]`);
              /** @type {HTMLInputElement} */ (before).checked = true;
              throw error;
            }
          }),
          text,
        ),
      ),
    ),
  );
}
