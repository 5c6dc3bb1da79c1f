import { NoNetwork, Problem } from "../api.js";
import { button, h } from "../dom.js";
import { today as todayIs } from "../clock.js";
import { begun } from "../draft.js";
import { day, number, t } from "../i18n.js";
import { go, sayProblem } from "../pages.js";
import { wayTo } from "../place.js";
import { askWhatCame, dayHere, sendAll, states, takeDay, unsent, watch } from "../sync.js";
import { isOpen } from "../work.js";

/** The agent's days: whom to visit in which order, what was done, what has to be sent. @type {import("../pages.js").View} */
export async function today(_options = {}) {
  if (!isOpen()) {
    await go("home", {}, { replace: true });
    return { title: t("today.title"), body: [] };
  }
  const list = h("div", {});
  const tally = h("div", { class: "tally" });
  const said = h("p", { class: "quiet", role: "status" });
  const anew = button(t("unlock.signin"), () => go("signin"));
  anew.hidden = true;
  const paint = async () => {
    const work = await dayHere();
    const known = await states();
    const drafts = new Set(await begun());
    const stops = work?.stops ?? [];
    const done = stops.filter((stop) => known.has(stop.visit_id)).length;
    tally.replaceChildren(count("today.todo", stops.length - done), count("today.done", done), count("today.unsent", await unsent()));
    list.replaceChildren(...days(stops, known, drafts));
  };
  const sync = async () => {
    said.textContent = t("today.syncing");
    anew.hidden = true;
    try {
      const { sent, left } = await sendAll();
      await takeDay();
      const { waiting } = await askWhatCame();
      said.textContent = t("today.synced", { sent: number(sent), left: number(left), waiting: number(waiting) });
    } catch (error) {
      anew.hidden = !(error instanceof Problem && error.status === 401);
      said.textContent = error instanceof NoNetwork ? t("today.nonetwork", { left: number(await unsent()) }) : sayProblem(error);
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
      button(t("today.other"), () => go("visit", { fresh: true })),
    ],
    leave: () => {
      stopWatching();
      window.removeEventListener("online", online);
    },
  };
}

/** @param {string} key @param {number} value */
const count = (key, value) => h("div", {}, h("b", {}, number(value)), t(key));

/** @param {import("../sync.js").Stop[]} stops @param {Awaited<ReturnType<typeof states>>} known @param {Set<string>} drafts */
function days(stops, known, drafts) {
  /** @type {Map<string, import("../sync.js").Stop[]>} */
  const sorted = new Map();
  for (const stop of stops) sorted.set(stop.planned_on, [...(sorted.get(stop.planned_on) ?? []), stop]);
  if (!stops.length) return [h("p", { class: "note" }, t("today.none"))];
  return [...sorted].map(([date, those]) =>
    h(
      "section",
      {},
      h("h2", {}, date === todayIs() ? t("today.today") : day(date)),
      h("ol", { class: "stops" }, those.map((stop, place) => h("li", {}, card(stop, place, those[place - 1] ?? null, known.get(stop.visit_id), drafts.has(stop.visit_id))))),
    ),
  );
}

/** @param {import("../sync.js").Stop} stop @param {number} place @param {import("../sync.js").Stop | null} before @param {{state: string, told?: import("../sync.js").Told} | undefined} state @param {boolean} begunHere */
function card(stop, place, before, state, begunHere) {
  const tag = tagOf(state, begunHere);
  const way = before ? wayTo(before, stop) : null;
  const made = h(
    "button",
    { type: "button", class: "stop", "data-visit": stop.visit_id, "data-state": state?.state ?? (begunHere ? "begun" : "todo") },
    h("span", { class: `order${state ? " done" : ""}`, "aria-hidden": "true" }, number(place + 1)),
    h("strong", {}, stop.name),
    stop.part ? h("span", {}, t(`today.${stop.part}`)) : null,
    h("span", {}, stop.address || t("today.noaddress")),
    stop.directions ? h("small", {}, stop.directions) : null,
    way ? h("small", {}, t("today.way", { distance: distance(way.metres), wind: t(`wind.${way.wind}`) })) : null,
    tag ? h("span", { class: `tag ${tag.look}` }, tag.text) : null,
  );
  made.addEventListener("click", () => go("visit", { id: stop.visit_id }));
  return made;
}

/** @param {number} metres */
const distance = (metres) => (metres < 950 ? t("today.metres", { count: number(Math.round(metres / 50) * 50) }) : t("today.km", { count: number(Math.round(metres / 100) / 10) }));

/** @param {{state: string, told?: import("../sync.js").Told} | undefined} state @param {boolean} begunHere */
export function tagOf(state, begunHere) {
  if (!state) return begunHere ? { look: "care", text: t("state.begun") } : null;
  if (state.state === "sealed") return { look: "", text: t("state.sealed") };
  if (state.state === "kept") return { look: "bad", text: t("state.kept") };
  if (state.state === "refused") return { look: "bad", text: t("state.refused") };
  const outcome = state.told?.outcome;
  if (outcome === "certified") return { look: "good", text: t("state.certified") };
  if (outcome) return { look: "care", text: t("state.notcertified") };
  if (state.told?.result && state.told.result !== "face") return { look: "good", text: t("state.noted") };
  return { look: "", text: t("state.received") };
}
