/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { deviceId } from "../device.js";
import { button, h } from "../dom.js";
import { day, t, VISIT_DAYS } from "../i18n.js";
import { go } from "../pages.js";
import { keepTyped, ownPage, state } from "../state.js";

/**
 * Ask for a visit at home, on a day, in the morning or the afternoon.
 *
 * @param {object} options
 * @param {Service.OwnPageOut} [options.page] the person's own page, if it is known
 * @param {import("../state.js").Capture} [options.session] the capture that led here, of a person who is not signed in
 * @param {Service.VisitOut} [options.done] the visit, once it is requested
 * @param {import("../state.js").Who | null} [options.who] for whom it was requested; null for the person signed in
 * @returns {Promise<Page>}
 */
export async function visit({ page, session, done, who: asked = null }) {
  if (done) return visitNoted(done, asked);
  const who = session || state.signedIn ? null : state.who;
  if (!session && !state.signedIn && !who) return unknownYet();
  const own = session || who ? null : (page ?? (await ownPage()));
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
      h("input", {
        id: `part-${value}`,
        type: "radio",
        name: "part",
        value,
        checked: value === part,
        onchange: () => (part = value),
      }),
      t(`visit.${value}`),
    ),
  );
  const ask = button(
    t("visit.ask"),
    async () => {
      try {
        const json = { wanted_on: chosen.value, part };
        const path = session ? `/v1/knock/sessions/${session.id}/visit` : who ? "/v1/knock/visits" : "/v1/me/visit";
        const found = await call(path, {
          json: who ? { ...who, ...json, device_id: deviceId() } : json,
          token: session?.token,
        });
        sent();
        await go("visit", { done: found, who: own ? null : state.who }, { replace: true });
      } catch (error) {
        if (!(error instanceof Problem && error.code === "visit_day")) throw error;
        problem.textContent = t("visit.error.day", { from: day(range.from), to: day(range.to) });
        problem.hidden = false;
      }
    },
    { kind: "main", icon: "door" },
  );
  const form = h(
    "div",
    {},
    h("label", { for: "day" }, t("visit.day")),
    chosen,
    h("fieldset", {}, h("legend", {}, t("visit.part")), h("div", { class: "segments" }, parts)),
  );
  const sent = keepTyped(form, "visit");
  part = /** @type {HTMLInputElement} */ (form.querySelector("#part-afternoon")).checked ? "afternoon" : "morning";
  return {
    title: t("visit.title"),
    back: session ? null : "status",
    body: [
      h("p", {}, t("visit.text")),
      form,
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

/** Ask who the person is, for whom the visit is wanted. @returns {Page} */
function unknownYet() {
  return {
    title: t("visit.title"),
    back: "welcome",
    body: [
      h("p", {}, t("visit.text")),
      button(t("find.next"), () => go("find", { then: "visit" }, { replace: true }), { kind: "main" }),
    ],
  };
}

/**
 * Say what was noted. No one learns here whether the fund knows this number, so the page shows what was entered.
 *
 * @param {Service.VisitOut} done
 * @param {import("../state.js").Who | null} who as entered; null for a person who is signed in
 * @returns {Page}
 */
function visitNoted(done, who) {
  const number = who?.card_number ?? who?.national_id;
  return {
    title: t("visit.done", { date: day(done.wanted_on), part: t(`visit.${done.part}`) }),
    body: [
      who && number
        ? h("p", { class: "lead" }, t("visit.done.if", { number, date: day(who.birth_date) }))
        : h("p", { class: "lead" }, t("visit.done.text")),
      who ? button(t("outcome.retry.change"), () => go("find", { then: "visit" })) : null,
      button(t(state.signedIn ? "status.title" : "app.home"), () => go(state.signedIn ? "status" : "welcome"), {
        kind: "main",
      }),
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
