/** @import { Page } from "../pages.js" */
/** @import { Point } from "../place.js" */
/** @import { State } from "../sync.js" */
import { NoNetwork, Problem } from "../api.js";
import { button, h } from "../dom.js";
import { today as todayIs } from "../clock.js";
import { begun, draftOf, newVisit } from "../draft.js";
import { day, moment, number, t } from "../i18n.js";
import { go, sayProblem } from "../pages.js";
import { wayTo } from "../place.js";
import { askForDay, askWhatCame, dayHere, keepDay, sendAll, states, unsent, watch } from "../sync.js";
import { isOpen } from "../work.js";

/**
 * Show the agent's days: whom to visit in which order, what was done, and what has to be sent.
 *
 * @returns {Promise<Page>}
 */
export async function today() {
  const list = h("div", {});
  const tally = h("div", { class: "tally" });
  const said = h("p", { class: "quiet", role: "status" });
  const signInAgain = button(t("unlock.signin"), () => go("signin"));
  signInAgain.hidden = true;
  const paint = async () => {
    if (!(await isOpen())) return;
    const work = await dayHere();
    const known = await states();
    const drafts = new Set((await begun()).filter((visit) => canBeMade(known.get(visit))));
    const stops = work?.stops ?? [];
    const done = stops.filter((stop) => !canBeMade(known.get(stop.visit_id))).length;
    tally.replaceChildren(
      count("today.todo", stops.length - done),
      count("today.done", done),
      count("today.unsent", await unsent()),
    );
    const unlisted = [...drafts].filter((visit) => !stops.some((stop) => stop.visit_id === visit));
    const cards = await Promise.all(unlisted.map(begunCard));
    list.replaceChildren(
      ...(cards.length ? [section(t("visit.fresh"), cards)] : []),
      ...days(stops, work?.base ?? null, known, drafts),
    );
  };
  const sync = async () => {
    said.textContent = t("today.syncing");
    if (!(await isOpen())) return;
    signInAgain.hidden = true;
    try {
      const { sent, left } = await sendAll();
      await keepDay(await askForDay());
      const { waiting } = await askWhatCame();
      said.textContent = t("today.synced", { sent: number(sent), left: number(left), waiting: number(waiting) });
    } catch (error) {
      signInAgain.hidden = !(error instanceof Problem && error.status === 401);
      said.textContent =
        error instanceof NoNetwork ? t("today.nonetwork", { left: number(await unsent()) }) : sayProblem(error);
    }
    await paint();
  };
  const stopWatching = watch(() => void paint());
  const online = () => void sync();
  window.addEventListener("online", online);
  await paint();
  return {
    title: t("today.title"),
    body: [
      tally,
      said,
      signInAgain,
      button(t("today.sync"), sync, { kind: "main" }),
      list,
      button(t("today.other"), () => go("visit", { id: newVisit() })),
    ],
    leave: () => {
      stopWatching();
      window.removeEventListener("online", online);
    },
  };
}

/** Make one box of the counts at the top. @param {string} key @param {number} value */
const count = (key, value) => h("div", {}, h("b", {}, number(value)), t(key));

/**
 * @param {Service.StopOut[]} stops
 * @param {Point | null} base where the agent's days begin
 * @param {Map<string, State>} known
 * @param {Set<string>} drafts visits that were begun
 */
function days(stops, base, known, drafts) {
  /** @type {Map<string, Service.StopOut[]>} */
  const sorted = new Map();
  for (const stop of stops) sorted.set(stop.planned_on, [...(sorted.get(stop.planned_on) ?? []), stop]);
  if (!stops.length) return [h("p", { class: "note" }, t("today.none"))];
  return [...sorted].map(([date, those]) =>
    section(
      date === todayIs() ? t("today.today") : day(date),
      those.map((stop, place) =>
        card(stop, place, those[place - 1] ?? base, known.get(stop.visit_id), drafts.has(stop.visit_id)),
      ),
    ),
  );
}

/** @param {string} title @param {HTMLElement[]} cards */
const section = (title, cards) =>
  h(
    "section",
    {},
    h("h2", {}, title),
    h(
      "ol",
      { class: "stops" },
      cards.map((made) => h("li", {}, made)),
    ),
  );

/**
 * Show a visit that was begun and is not on the list: it never was, or it was taken off the list since.
 *
 * @param {string} visit id of the visit
 */
async function begunCard(visit) {
  const draft = await draftOf(visit);
  const made = h(
    "button",
    { type: "button", class: "stop", "data-visit": visit, "data-state": "begun" },
    h("strong", {}, draft?.name || masked(draft?.who?.card_number) || t("visit.fresh")),
    h(
      "span",
      { class: "tag care" },
      draft ? t("today.begun", { when: moment(draft.began.wall_ms) }) : t("state.begun"),
    ),
  );
  made.addEventListener("click", () => go("visit", { id: visit }));
  return made;
}

/** Hide all but the last four characters, as the service does with numbers. @param {string} [number] */
const masked = (number) => number && "•".repeat(Math.max(number.length - 4, 4)) + number.slice(-4);

/**
 * @param {Service.StopOut} stop
 * @param {number} place in the order of the day, from 0
 * @param {Point | null} before where the agent comes from
 * @param {State | undefined} state
 * @param {boolean} begunHere whether the visit was begun on this tablet
 */
function card(stop, place, before, state, begunHere) {
  const tag = tagOf(state, begunHere);
  const way = before ? wayTo(before, stop) : null;
  const made = h(
    "button",
    {
      type: "button",
      class: "stop",
      "data-visit": stop.visit_id,
      "data-state": begunHere ? "begun" : (state?.state ?? "todo"),
    },
    h("span", { class: `order${state ? " done" : ""}`, "aria-hidden": "true" }, number(place + 1)),
    h("strong", {}, stop.name),
    stop.part ? h("span", {}, t(`today.${stop.part}`)) : null,
    h("span", {}, stop.address || t("today.noaddress")),
    stop.directions ? h("small", {}, stop.directions) : null,
    way
      ? h(
          "small",
          {},
          t(place ? "today.way" : "today.way.base", { distance: distance(way.metres), wind: t(`wind.${way.wind}`) }),
        )
      : null,
    tag ? h("span", { class: `tag ${tag.look}` }, tag.text) : null,
  );
  made.addEventListener("click", () => go("visit", { id: stop.visit_id }));
  return made;
}

/** @param {number} metres */
const distance = (metres) =>
  metres < 950
    ? t("today.metres", { count: number(Math.round(metres / 50) * 50) })
    : t("today.km", { count: number(Math.round(metres / 100) / 10) });

/**
 * Tell whether a visit can be made: it is not sealed yet, or the service has not taken it.
 *
 * @param {State | undefined} state
 * @returns {boolean}
 */
export const canBeMade = (state) => !state || state.state === "kept" || state.state === "refused";

/**
 * Make the tag that says how far a visit is.
 *
 * @param {State | undefined} state
 * @param {boolean} begunHere whether the visit was begun on this tablet
 * @returns {{look: string, text: string} | null} class and text; null for a visit that was not begun
 */
export function tagOf(state, begunHere) {
  if (begunHere) return { look: "care", text: t("state.begun") };
  if (!state) return null;
  if (state.state === "sealed") return { look: "", text: t("state.sealed") };
  if (state.state === "kept") return { look: "bad", text: t("state.kept") };
  if (state.state === "refused") return { look: "bad", text: t("state.refused") };
  const outcome = state.told?.outcome;
  if (outcome === "certified") return { look: "good", text: t("state.certified") };
  if (outcome) return { look: "care", text: t("state.notcertified") };
  if (state.told?.result && state.told.result !== "face") return { look: "good", text: t("state.noted") };
  return { look: "", text: t("state.received") };
}
