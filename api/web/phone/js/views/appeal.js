import { call } from "../api.js";
import { button, h, icon } from "../dom.js";
import { ANSWER_DAYS, day, number, t, tn } from "../i18n.js";
import { go } from "../pages.js";
import { state } from "../state.js";

/**
 * The fast lane of whoever was wrongly declared dead: show yourself, then send the objection.
 * @type {import("../pages.js").View}
 */
export async function appeal({ page, step = 1, shown = false, sent }) {
  if (sent) return done(sent, page);
  const said = h("p", { class: "quiet" }, t("appeal.step", { step: number(step), count: number(2) }));
  if (step === 1) {
    return {
      title: t("appeal.title"),
      back: "status",
      body: [
        said,
        h("p", { class: "lead" }, t("appeal.one")),
        button(
          t("appeal.one.button"),
          () => {
            state.afterCapture = "appeal";
            return go("prepare");
          },
          { kind: "main", icon: "camera" },
        ),
        button(t("appeal.one.skip"), () => go("appeal", { page, step: 2 })),
      ],
    };
  }
  return {
    title: t("appeal.title"),
    back: "status",
    body: [
      said,
      shown ? h("p", { class: "note" }, icon("check"), " ", t("appeal.one.done")) : null,
      h("p", { class: "lead" }, t("appeal.two", { days: number(ANSWER_DAYS) })),
      button(
        t("appeal.two.button"),
        async () => {
          const found = await call("/v1/me/appeal", { method: "POST" });
          const now = await call("/v1/me");
          await go("appeal", { page: now, sent: found }, { replace: true });
        },
        { kind: "main" },
      ),
    ],
  };
}

/** @param {any} sent @param {any} page @returns {import("../pages.js").Page} */
function done(sent, page) {
  const left = Math.max(1, Math.ceil((Date.parse(sent.answer_by) - Date.now()) / 86_400_000));
  const stopped = page?.pensions.some((/** @type {any} */ pension) => pension.payment === "stop");
  return {
    title: t("appeal.done.title"),
    body: [
      h(
        "p",
        { class: "card dateline", role: "timer" },
        icon("clock"),
        " ",
        tn("appeal.done.clock", left, { date: day(sent.answer_by) }),
      ),
      h("p", { class: "lead" }, t(stopped ? "appeal.done.stopped" : "appeal.done.continues")),
      button(t("outcome.certified.keep"), () => go("status"), { kind: "main" }),
    ],
  };
}
