import { recall } from "../device.js";
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
      button(t("welcome.certify"), () => go(state.signedIn ? "prepare" : "find", { then: "prepare" }), {
        kind: "main",
        icon: "camera",
      }),
      button(
        t("welcome.status"),
        () => go(recall("remembered") === "1" || state.signedIn ? "status" : "find", { then: "code" }),
        { icon: "person" },
      ),
      h("p", { class: "quiet" }, t("welcome.letter")),
      h("p", { class: "quiet" }, t("welcome.free")),
    ],
  };
}
