/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { withCode } from "../confirmed.js";
import { button, h, icon } from "../dom.js";
import { ANSWER_DAYS, day, number, t, tn } from "../i18n.js";
import { go } from "../pages.js";
import { state } from "../state.js";

/**
 * Object to a report or a stop, in two steps: show your face, then send the objection.
 *
 * @param {object} options
 * @param {Service.OwnPageOut} [options.page] the person's own page
 * @param {number} [options.step] 1 or 2
 * @param {boolean} [options.shown] whether the person has just shown their face
 * @param {Service.AppealOut} [options.sent] the objection, once it is sent
 * @returns {Promise<Page>}
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
        () =>
          withCode(async () => {
            const found = await call("/v1/me/appeal", { method: "POST" });
            const now = await call("/v1/me");
            await go("appeal", { page: now, sent: found }, { replace: true });
          }),
        { kind: "main" },
      ),
    ],
  };
}

/**
 * @param {Service.AppealOut} sent
 * @param {Service.OwnPageOut | undefined} page
 * @returns {Page}
 */
function done(sent, page) {
  const left = Math.max(1, Math.ceil((Date.parse(sent.answer_by) - Date.now()) / 86_400_000));
  const stopped = page?.pensions.some((pension) => pension.payment === "stop");
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
