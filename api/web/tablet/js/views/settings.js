/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { asking } from "../ask.js";
import { applyTextSize, keep, recall } from "../device.js";
import { button, changes, h } from "../dom.js";
import { current, LANGUAGES, number, t, tn } from "../i18n.js";
import { go, setLanguage } from "../pages.js";
import { begun } from "../draft.js";
import { write } from "../store.js";
import { dayHere, states, unsent } from "../sync.js";
import { canBeMade } from "./today.js";
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
            asking(t("settings.signout"), {
              loses: lostBySigningOut,
              yes: t("settings.signout.yes"),
              no: t("ask.keep"),
              kind: "danger",
              action: async () => {
                try {
                  await call("/v1/tablet/sign-out", { method: "POST", tries: 0 });
                } catch (error) {
                  if (!(error instanceof Problem && error.status === 401)) {
                    // The route is on this tablet only. Without a network it is locked, and the sign-in ends later.
                    await write("kv", "signOut", true);
                    shut();
                    await go("home");
                    return;
                  }
                }
                await forget();
                await go("home");
              },
            }),
          ]
        : null,
    ],
  };
}

/** Say what signing out deletes here, or that it waits for a network. @returns {Promise<string>} */
async function lostBySigningOut() {
  if (!navigator.onLine) return t("settings.signout.offline");
  const known = await states();
  const left = ((await dayHere())?.stops ?? []).filter((stop) => canBeMade(known.get(stop.visit_id))).length;
  return t("settings.signout.lost", { route: number(left), begun: number((await begun()).length) });
}
