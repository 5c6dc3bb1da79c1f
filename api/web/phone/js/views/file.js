/** @import { Page } from "../pages.js" */
import { backText } from "../capture/stage.js";
import { store } from "../capture/vault.js";
import { button, changes, h } from "../dom.js";
import { number, t } from "../i18n.js";
import { go } from "../pages.js";

const MOST_BYTES = 20_000_000;

/** @param {{at: number, what: string}} moment milliseconds and what to do then */
const listed = ({ at, what }) => h("li", {}, t("file.at", { seconds: number(Math.round(at / 1000)), what }));

/**
 * Take a video that the phone's own camera program films, where the browser has no camera for pages.
 *
 * @param {{opened: Service.SessionOpened}} options `opened`: the session that it is for
 * @returns {Page}
 */
export function file({ opened }) {
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      type: "file",
      accept: "video/*,image/jpeg,image/png,image/heic,image/webp",
      capture: "user",
      class: "sr",
      id: "film",
      tabindex: "-1",
      "aria-hidden": "true",
    })
  );
  changes(input, async () => {
    const chosen = input.files?.[0];
    if (!chosen) return;
    const bad =
      chosen.size > MOST_BYTES
        ? "file.too.large"
        : /^(video|image)\//.test(chosen.type) || chosen.type === ""
          ? null
          : "file.not.video";
    if (bad) {
      problem.textContent = t(bad);
      problem.hidden = false;
      return;
    }
    const type =
      chosen.type === "video/webm"
        ? "video/webm"
        : chosen.type.startsWith("video/") || chosen.type === ""
          ? "video/mp4"
          : chosen.type;
    await store({
      sessionId: opened.session.id,
      token: opened.token,
      blob: chosen,
      type,
      camera: null,
      at: Date.now(),
      expiresAt: opened.session.expires_at,
    });
    await go("send", { id: opened.session.id }, { replace: true });
  });
  // The camera program shows no prompts: a helper counts the seconds aloud.
  const moments = (opened.session.plan?.steps ?? []).flatMap((step) => [
    { at: step.from_ms, what: t(`prompt.${step.prompt}`) },
    ...(step.back_ms ? [{ at: step.back_ms, what: t(backText(step.prompt)) }] : []),
  ]);
  return {
    title: t("file.title"),
    body: [
      h("p", {}, t("file.text")),
      h("ol", {}, [h("li", {}, t("file.first")), ...moments.map(listed)]),
      problem,
      input,
      button(t("file.choose"), () => input.click(), { kind: "main", icon: "camera" }),
      button(t("app.home"), () => go("welcome"), { kind: "plain" }),
    ],
  };
}
