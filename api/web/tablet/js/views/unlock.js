/** @import { Page } from "../pages.js" */
import { button, h, submits } from "../dom.js";
import { number, t, tn } from "../i18n.js";
import { secretOfPasskey, wasDeclined } from "../passkey.js";
import { go } from "../pages.js";
import { unsent } from "../sync.js";
import { lockOf, MOST_TRIES, unlock as open } from "../work.js";

/**
 * Open the day's work again, without a network.
 *
 * @returns {Promise<Page>}
 */
export async function unlock() {
  const lock = await lockOf();
  const left = await unsent();
  const problem = h("p", { class: "error", id: "problem", role: "alert", hidden: true });
  const say = (/** @type {string} */ text) => {
    problem.textContent = text;
    problem.hidden = false;
  };
  const again = button(t("unlock.signin"), () => go("signin"), { kind: "plain" });
  const safe = left ? h("p", { class: "note" }, tn("signin.left", left)) : null;
  if (lock?.how === "prf") {
    return {
      title: t("unlock.title"),
      body: [
        h("p", {}, t("unlock.passkey")),
        safe,
        problem,
        button(
          t("unlock.do"),
          async () => {
            try {
              const prf = await secretOfPasskey();
              if (prf && (await open({ prf }))) await go("today", {}, { replace: true });
              else say(t("unlock.failed"));
            } catch (error) {
              if (!wasDeclined(error)) throw error;
              say(t("passkey.declined"));
            }
          },
          { kind: "main" },
        ),
        again,
      ],
    };
  }
  const input = /** @type {HTMLInputElement} */ (
    h("input", { id: "code", type: "password", autocomplete: "off", "aria-describedby": "problem" })
  );
  const form = h(
    "form",
    { novalidate: true },
    h("label", { for: "code" }, t("unlock.code")),
    input,
    problem,
    button(t("unlock.do"), () => {}, { kind: "main", type: "submit" }),
  );
  submits(form, async () => {
    if (await open({ code: input.value })) {
      await go("today", {}, { replace: true });
      return;
    }
    const now = await lockOf();
    if (!now) {
      await go("signin", {}, { replace: true });
      return;
    }
    say(t("unlock.wrong", { left: number(MOST_TRIES - now.tries) }));
    input.value = "";
    input.focus();
  });
  return { title: t("unlock.title"), body: [h("p", {}, t("unlock.text")), safe, form, again] };
}
