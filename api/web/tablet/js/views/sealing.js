/** @import { Page } from "../pages.js" */
import { bytesOf, draftOf } from "../draft.js";
import { button, h } from "../dom.js";
import { BASE, current, moment, number, t } from "../i18n.js";
import { go } from "../pages.js";
import { whereAmI } from "../place.js";
import { sealVisit } from "../sealing.js";
import { sendAll } from "../sync.js";
import { own } from "../tablet.js";

/** Version of the statement that the agent signs; the service knows the current one (certify/doorstep/content.py). */
const STATEMENT = "2026-11";

/** The photos that belong to a result. */
const PARTS = /** @type {Record<string, string[]>} */ ({
  face: ["photo", "video"],
  medical: ["medical"],
  deceased: ["document"],
});

/** Results at which somebody stands at the door, who gets a slip. */
const RESULTS_AT_THE_DOOR = ["face", "witnesses", "medical", "refused"];

/**
 * Say what is going to be sealed: photos, how the person was identified, and when the visit began.
 *
 * @param {import("../draft.js").Draft} draft
 * @param {string[]} kinds of photos that belong to the result
 */
function summary(draft, kinds) {
  const photos = draft.shots.filter((shot) => kinds.includes(shot.kind) && shot.kind !== "video").length;
  const film = draft.shots.some((shot) => kinds.includes(shot.kind) && shot.kind === "video");
  return [
    kinds.length ? t("sealing.photos", { count: number(photos) }) : "",
    film ? t("photos.film.one") : "",
    t(`sealing.how.${draft.who?.how ?? "name"}`),
    t("sealing.began", { when: moment(draft.began.wall_ms) }),
  ]
    .filter(Boolean)
    .join(" · ");
}

/**
 * End a visit: the agent signs the statement, and the visit is sealed. After that no one can read it on this tablet.
 *
 * @param {{visit: string, result: string}} options `visit`: id of the visit; `result`: what it came to
 * @returns {Promise<Page>}
 */
export async function sealing({ visit, result }) {
  const draft = await draftOf(visit);
  if (!draft) return { title: t("sealing.title"), body: [button(t("app.home"), () => go("today"), { kind: "main" })] };
  const tablet = await own();
  const place = whereAmI(); // asked now, so that the answer is there when the agent has read the statement
  const sure = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", id: "sure" }));
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  const unlisted = !draft.person && !draft.who;
  const unexplained = draft.matches === false && !draft.note;
  return {
    title: t("sealing.title"),
    back: "visit",
    body: [
      h(
        "div",
        { class: "card" },
        h("p", { class: "dateline" }, draft.name || t("visit.fresh")),
        h("p", {}, t(`result.${result}`)),
        h("p", { class: "quiet" }, summary(draft, PARTS[result] ?? [])),
        draft.matches === false ? h("p", { class: "error" }, t("visit.differs")) : null,
      ),
      unlisted ? h("p", { class: "error", role: "alert" }, t("sealing.unlisted")) : null,
      h(
        "label",
        { class: "choice" },
        sure,
        h("span", {}, t("statement.text", { name: tablet?.agent.name ?? "" })),
        h("small", {}, t("statement.small")),
      ),
      unexplained ? h("p", { class: "error", role: "alert" }, t("sealing.unexplained")) : null,
      problem,
      unlisted || unexplained
        ? null
        : button(
            t("sealing.do"),
            async () => {
              if (!sure.checked) {
                problem.textContent = t("sealing.unsigned");
                problem.hidden = false;
                sure.focus();
                return;
              }
              const parts = [];
              for (const shot of draft.shots.filter((each) => (PARTS[result] ?? []).includes(each.kind)).slice(0, 6))
                parts.push({ kind: shot.kind, data: await bytesOf(draft, shot) });
              const entries = {
                result,
                who: { beneficiary: draft.person, ...(draft.who ?? { how: "name" }) },
                place: await place,
                consent: result === "face" && draft.consent,
                agent_shown: draft.agentShown,
                witnesses: result === "witnesses" ? draft.witnesses : [],
                slots: draft.slots,
                why_no_face: draft.whyNoFace,
                death: result === "deceased" ? draft.death : null,
                moved_to: draft.movedTo,
                note: draft.note,
                statement: STATEMENT,
                language: current(),
                app: BASE,
              };
              const start = performance.now();
              const sealed = await sealVisit(draft.visit, entries, draft, parts);
              performance.measure("seal", { start });
              if (navigator.onLine) void sendAll().catch(() => {});
              if (RESULTS_AT_THE_DOOR.includes(result))
                await go("slip", { number: sealed.sha256, name: draft.name }, { replace: true });
              else await go("today", {}, { replace: true });
            },
            { kind: "main" },
          ),
    ],
  };
}
