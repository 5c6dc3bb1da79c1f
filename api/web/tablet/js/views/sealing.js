import { bytesOf, draftOf } from "../draft.js";
import { button, h } from "../dom.js";
import { current, t } from "../i18n.js";
import { BASE } from "../i18n.js";
import { go } from "../pages.js";
import { whereAmI } from "../place.js";
import { sealVisit } from "../sealing.js";
import { sendAll } from "../sync.js";
import { own } from "../tablet.js";

/** Version of the words that the agent signs; the service knows which were current (certify/doorstep/content.py). */
const STATEMENT = "2026-11";

const PARTS = /** @type {Record<string, string[]>} */ ({
  face: ["photo"],
  medical: ["medical"],
  deceased: ["document"],
});

/** The agent's statement, and the end of a visit: after this nobody here can read it. @type {import("../pages.js").View} */
export async function sealing({ visit, result }) {
  const draft = await draftOf(visit);
  if (!draft) return { title: t("sealing.title"), body: [button(t("app.home"), () => go("today"), { kind: "main" })] };
  const tablet = await own();
  const place = whereAmI(); // asked for now, so that it is there when the agent has read
  const sure = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", id: "sure" }));
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  const unlisted = !draft.person && !draft.who;
  return {
    title: t("sealing.title"),
    back: "visit",
    body: [
      h(
        "div",
        { class: "card" },
        h("p", { class: "dateline" }, draft.name || t("visit.fresh")),
        h("p", {}, t(`result.${result}`)),
        draft.matches === false ? h("p", { class: "error" }, t("visit.differs")) : null,
      ),
      unlisted ? h("p", { class: "error", role: "alert" }, t("sealing.nobody")) : null,
      h(
        "label",
        { class: "choice" },
        sure,
        h("span", {}, t("statement.text", { name: tablet?.agent.name ?? "" })),
        h("small", {}, t("statement.small")),
      ),
      problem,
      unlisted
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
              for (const shot of draft.shots.filter((each) => (PARTS[result] ?? []).includes(each.kind)).slice(0, 5))
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
              await sealVisit(draft.visit, entries, draft, parts);
              performance.measure("seal", { start });
              if (navigator.onLine) void sendAll().catch(() => {});
              await go("today", {}, { replace: true });
            },
            { kind: "main" },
          ),
    ],
  };
}
