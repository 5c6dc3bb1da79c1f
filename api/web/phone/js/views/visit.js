/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { button, h } from "../dom.js";
import { day, t, VISIT_DAYS } from "../i18n.js";
import { go, sayProblem } from "../pages.js";
import { ownPage } from "../state.js";

/**
 * Ask for a visit at home, on a day, in the morning or the afternoon.
 *
 * @param {object} options
 * @param {Service.OwnPageOut} [options.page] the person's own page, if it is known
 * @param {import("../state.js").Capture} [options.session] the capture that led here, of a person who is not signed in
 * @param {Service.VisitOut} [options.done] the visit, once it is requested
 * @returns {Promise<Page>}
 */
export async function visit({ page, session, done }) {
  if (done) return visitNoted(done, !session);
  const own = session ? null : (page ?? (await ownPage()));
  const range = own
    ? { from: own.earliest_visit, to: own.latest_visit }
    : { from: inDays(VISIT_DAYS[0]), to: inDays(VISIT_DAYS[1]) };
  const problem = h("p", { id: "problem", class: "error", role: "alert", hidden: true });
  const chosen = /** @type {HTMLSelectElement} */ (
    h(
      "select",
      { id: "day", "aria-describedby": "problem" },
      days(range).map((iso) => h("option", { value: iso }, withWeekday(iso))),
    )
  );
  let part = "morning";
  const parts = ["morning", "afternoon"].map((value) =>
    h(
      "label",
      {},
      h("input", { type: "radio", name: "part", value, checked: value === part, onchange: () => (part = value) }),
      t(`visit.${value}`),
    ),
  );
  const ask = button(
    t("visit.ask"),
    async () => {
      try {
        const json = { wanted_on: chosen.value, part };
        const path = session ? `/v1/knock/sessions/${session.id}/visit` : "/v1/me/visit";
        const found = await call(path, { json, token: session?.token });
        await go("visit", { done: found, session }, { replace: true });
      } catch (error) {
        problem.textContent =
          error instanceof Problem && error.code === "visit_day"
            ? t("visit.error.day", { from: day(range.from), to: day(range.to) })
            : sayProblem(error);
        problem.hidden = false;
      }
    },
    { kind: "main", icon: "door" },
  );
  return {
    title: t("visit.title"),
    back: session ? null : "status",
    body: [
      h("p", {}, t("visit.text")),
      h("label", { for: "day" }, t("visit.day")),
      chosen,
      h("fieldset", {}, h("legend", {}, t("visit.part")), h("div", { class: "segments" }, parts)),
      problem,
      ask,
      own?.visit
        ? button(
            t("visit.cancel"),
            async () => {
              await call("/v1/me/visit/cancel", { method: "POST" });
              await go("status", {}, { replace: true });
            },
            { kind: "plain" },
          )
        : null,
    ],
  };
}

/** @param {Service.VisitOut} done @param {boolean} signedIn @returns {Page} */
function visitNoted(done, signedIn) {
  return {
    title: t("visit.done", { date: day(done.wanted_on), part: t(`visit.${done.part}`) }),
    body: [
      h("p", { class: "lead" }, t("visit.done.text")),
      button(signedIn ? t("status.title") : t("app.home"), () => go(signedIn ? "status" : "welcome"), { kind: "main" }),
    ],
  };
}

/** Return the date so many days from today. @param {number} count */
function inDays(count) {
  return new Date(Date.now() + count * 86_400_000).toISOString().slice(0, 10);
}

/** Return the days of the range without weekends. @param {{from: string, to: string}} range */
function days(range) {
  const found = [];
  for (
    let at = new Date(`${range.from}T12:00:00Z`);
    at.toISOString().slice(0, 10) <= range.to;
    at = new Date(at.getTime() + 86_400_000)
  ) {
    if (at.getUTCDay() !== 0 && at.getUTCDay() !== 6) found.push(at.toISOString().slice(0, 10));
  }
  return found;
}

/** @param {string} iso */
function withWeekday(iso) {
  return new Intl.DateTimeFormat(document.documentElement.lang, {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone: "UTC",
  }).format(new Date(`${iso}T12:00:00Z`));
}
