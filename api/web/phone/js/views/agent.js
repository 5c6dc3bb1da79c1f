/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { deviceId } from "../device.js";
import { button, h } from "../dom.js";
import { callUs } from "../help.js";
import { day, t } from "../i18n.js";
import { go } from "../pages.js";
import { state } from "../state.js";

/**
 * Identify the agent at the door, for the person who scanned the code that the agent shows.
 *
 * @param {{secret: string, reported?: boolean}} options `secret`: what the code holds; `reported`: the agent was
 *   just reported
 * @returns {Promise<Page>}
 */
export async function agent({ secret, reported = false }) {
  if (reported) return thanks();
  /** @type {Service.DoorOut} */
  let found;
  try {
    found = await call("/v1/door", { json: { secret } });
  } catch (error) {
    if (!(error instanceof Problem) || ![404, 422].includes(error.status)) throw error;
    return {
      title: t("agent.unknown.title"),
      body: [
        h("div", { class: "card standing bad" }, h("h1", {}, t("agent.unknown.title")), h("p", {}, t("agent.unknown"))),
        callUs("main"),
        report(secret),
        button(t("app.home"), () => go("welcome"), { kind: "plain" }),
      ],
    };
  }
  const photo = found.photo
    ? h("img", { class: "portrait", alt: t("agent.photo", { name: found.name }), src: address(found.photo) })
    : null;
  const title = found.today ? t("agent.today.title") : t("agent.other.title");
  return {
    title,
    body: [
      h(
        "div",
        { class: `card standing ${found.today ? "good" : "care"}` },
        h("h1", {}, title),
        h(
          "p",
          {},
          found.initials === null
            ? t("agent.today.free")
            : found.today
              ? t("agent.today", { initials: found.initials })
              : found.planned_on
                ? t("agent.other", { date: day(found.planned_on) })
                : t("agent.other.none"),
        ),
      ),
      h(
        "div",
        { class: "card" },
        photo,
        h("p", { class: "dateline" }, found.name),
        h("p", {}, t("agent.badge", { badge: found.badge, fund: found.fund })),
      ),
      h("p", {}, photo ? t("agent.compare") : t("agent.compare.none")),
      h("p", { class: "note" }, t("agent.never")),
      found.today ? null : callUs("main"),
      report(secret),
      button(t("app.home"), () => go("welcome")),
    ],
  };
}

/** Make the button that reports the agent. @param {string} secret */
const report = (secret) =>
  button(
    t("agent.report"),
    async () => {
      await call("/v1/door/reports", { json: { ...state.who, secret, device_id: deviceId() } });
      await go("agent", { secret: "", reported: true }, { replace: true });
    },
    { kind: "danger" },
  );

/** @returns {Page} */
const thanks = () => ({
  title: t("agent.reported.title"),
  body: [
    h("p", { class: "lead" }, t("agent.reported")),
    callUs("main"),
    button(t("app.home"), () => go("welcome"), { kind: "plain" }),
  ],
});

/** @param {string} base64 a JPEG */
function address(base64) {
  return URL.createObjectURL(
    new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: "image/jpeg" }),
  );
}
