import { keep, recall } from "../device.js";
/** @import { Page } from "../pages.js" */
import { button, h } from "../dom.js";
import { t } from "../i18n.js";
import { lastFilm } from "../last_film.js";
import { go } from "../pages.js";
import { state } from "../state.js";

/**
 * Show the first page: what the service does, and the two things that most people want.
 *
 * @returns {Promise<Page>}
 */
export async function welcome() {
  const pending = recall("pending") === "1" ? await (await import("../capture/vault.js")).pending() : null;
  const known = recall("known") === "1" && !state.signedIn;
  return {
    title: t("welcome.title"),
    body: [
      h("p", { class: "lead" }, t("welcome.text")),
      lastFilm(),
      pending
        ? h(
            "section",
            { class: "card" },
            h("p", {}, t("welcome.pending")),
            button(t("welcome.pending.send"), () => go("send", { id: pending.sessionId }), { kind: "main" }),
            button(
              t("welcome.pending.drop"),
              async () => {
                await (await import("../capture/vault.js")).drop(pending.sessionId);
                await go("welcome", {}, { replace: true });
              },
              { kind: "plain" },
            ),
          )
        : null,
      known
        ? button(
            t("welcome.again"),
            () => {
              state.knownPhone = true;
              return go("prepare");
            },
            { kind: "main", icon: "camera" },
          )
        : null,
      button(t(known ? "welcome.other" : "welcome.certify"), certify, {
        kind: known ? "" : "main",
        icon: "camera",
      }),
      button(
        t("welcome.status"),
        () => go(recall("remembered") === "1" || state.signedIn ? "status" : "find", { then: "code" }),
        { icon: "person" },
      ),
      known
        ? button(
            t("welcome.forget"),
            async () => {
              await (await import("../device_key.js")).forgetKey();
              keep("known", "0");
              await go("welcome", {}, { replace: true });
            },
            { kind: "plain" },
          )
        : null,
      h("p", { class: "quiet" }, t("welcome.letter")),
      h("p", { class: "quiet" }, t("welcome.free")),
    ],
  };
}

/** Certify the person whose number is entered, or the person who is signed in. */
function certify() {
  state.knownPhone = false;
  return go(state.signedIn ? "prepare" : "find", { then: "prepare" });
}
