import { NoNetwork, Problem } from "../api.js";
import { button, h } from "../dom.js";
import { today as todayIs } from "../clock.js";
import { begun, draftOf, newVisit } from "../draft.js";
import { day, moment, number, t } from "../i18n.js";
import { go, sayProblem } from "../pages.js";
import { wayTo } from "../place.js";
import { askForDay, askWhatCame, dayHere, keepDay, sendAll, states, unsent, watch } from "../sync.js";
import { isOpen } from "../work.js";

/** The agent's days: whom to visit in which order, what was done, what has to be sent. @type {import("../pages.js").View} */
export async function today(_options = {}) {
  const list = h("div", {});
  const tally = h("div", { class: "tally" });
  const said = h("p", { class: "quiet", role: "status" });
  const anew = button(t("unlock.signin"), () => go("signin"));
  anew.hidden = true;
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
    anew.hidden = true;
    try {
      const { sent, left } = await sendAll();
      await keepDay(await askForDay());
      const { waiting } = await askWhatCame();
      said.textContent = t("today.synced", { sent: number(sent), left: number(left), waiting: number(waiting) });
    } catch (error) {
      anew.hidden = !(error instanceof Problem && error.status === 401);
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
      anew,
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

/** @param {string} key @param {number} value */
const count = (key, value) => h("div", {}, h("b", {}, number(value)), t(key));

/** @typedef {{latitude: number | null, longitude: number | null}} Point */

/** @param {import("../sync.js").Stop[]} stops @param {Point | null} base where days begin @param {Awaited<ReturnType<typeof states>>} known @param {Set<string>} drafts */
function days(stops, base, known, drafts) {
  /** @type {Map<string, import("../sync.js").Stop[]>} */
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

/** A visit that was begun and is not on the list: to somebody else, or one that was taken off it since. @param {string} visit */
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

/** Its last four characters only, as the service shows numbers (certify/registry/national_id.py). @param {string} [number] */
const masked = (number) => number && "•".repeat(Math.max(number.length - 4, 4)) + number.slice(-4);

/** @param {import("../sync.js").Stop} stop @param {number} place @param {Point | null} before @param {{state: string, told?: import("../sync.js").Told} | undefined} state @param {boolean} begunHere */
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

/** Whether a visit can be made: not yet sealed, or the service has not taken it. @param {{state: string} | undefined} state */
export const canBeMade = (state) => !state || state.state === "kept" || state.state === "refused";

/** @param {{state: string, told?: import("../sync.js").Told} | undefined} state @param {boolean} begunHere */
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
