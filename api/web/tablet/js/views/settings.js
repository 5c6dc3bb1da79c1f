/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { applyTextSize, keep, recall } from "../device.js";
import { button, changes, h } from "../dom.js";
import { current, LANGUAGES, t, tn } from "../i18n.js";
import { go, setLanguage } from "../pages.js";
import { unsent } from "../sync.js";
import { own } from "../tablet.js";
import { forget, shut, signedIn } from "../work.js";

/**
 * Choose the language and the size of the text, lock the work, or sign out.
 *
 * @returns {Promise<Page>}
 */
export async function settings() {
  const language = /** @type {HTMLSelectElement} */ (
    h(
      "select",
      { id: "language" },
      Object.entries(LANGUAGES).map(([code, { name }]) =>
        h("option", { value: code, lang: code, selected: code === current() }, name),
      ),
    )
  );
  changes(language, async () => {
    try {
      await setLanguage(language.value);
    } catch (error) {
      language.value = current();
      throw error;
    }
  });
  const size = recall("text") ?? "large";
  const sizes = ["normal", "large", "larger"].map((name) => {
    const input = h("input", { type: "radio", name: "size", value: name, checked: name === size });
    input.addEventListener("change", () => {
      keep("text", name);
      applyTextSize();
    });
    return h("label", {}, input, t(`menu.text.${name}`));
  });
  const tablet = await own();
  const left = await unsent();
  return {
    title: t("menu.title"),
    back: "today",
    body: [
      h("label", { for: "language" }, t("menu.language")),
      language,
      h("fieldset", {}, h("legend", {}, t("menu.text.size")), h("div", { class: "segments" }, sizes)),
      tablet
        ? h(
            "p",
            { class: "quiet" },
            t("settings.tablet", { name: tablet.agent.name, badge: tablet.agent.badge, number: tablet.id.slice(0, 8) }),
          )
        : null,
      (await signedIn())
        ? [
            button(t("settings.lock"), async () => {
              shut();
              await go("home");
            }),
            h("p", { class: "hint" }, left ? tn("signin.left", left) : t("settings.allsent")),
            button(
              t("settings.signout"),
              async () => {
                await forget();
                await call("/v1/tablet/sign-out", { method: "POST", tries: 0 }).catch(() => {});
                await go("home");
              },
              { kind: "danger" },
            ),
          ]
        : null,
    ],
  };
}
