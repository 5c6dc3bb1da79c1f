/** @import { Page } from "../pages.js" */
import { draftOf, keepDraft } from "../draft.js";
import { button, h } from "../dom.js";
import { t } from "../i18n.js";
import { go } from "../pages.js";

/**
 * Ask for details when the person was not found, has moved, does not want the visit, or has died.
 *
 * @param {{visit: string, result: string}} options `visit`: id of the visit; `result`: "not_found", "moved", "refused"
 *   or "deceased"
 * @returns {Promise<Page>}
 */
export async function other({ visit, result }) {
  const draft = await draftOf(visit);
  if (!draft) return { title: t("today.title"), body: [button(t("app.home"), () => go("today"), { kind: "main" })] };
  const problem = h("p", { class: "error", id: "problem", role: "alert", hidden: true });
  /** @param {string} id @param {string} key @param {string} value @param {string} [type] */
  const field = (id, key, value, type = "text") => {
    const input = /** @type {HTMLInputElement} */ (
      h("input", { id, type, autocomplete: "off", maxlength: "200", value, "aria-describedby": "problem" })
    );
    return { input, made: [h("label", { for: id }, t(key)), input] };
  };
  const informant = field("informant", "other.informant", draft.death?.informant ?? "");
  const relation = field("relation", "other.relation", draft.death?.relation ?? "");
  const died = field("died", "other.died", draft.death?.died_on ?? "", "date");
  const moved = field("moved", "other.movedto", draft.movedTo);
  const note = /** @type {HTMLTextAreaElement} */ (h("textarea", { id: "note", maxlength: "2000" }));
  note.value = draft.note;
  const dead = result === "deceased";
  return {
    title: t(`visit.${result === "not_found" ? "notfound" : result}`),
    back: "visit",
    body: [
      h("p", {}, t(`other.${result}`)),
      dead ? [informant.made, relation.made, died.made] : null,
      result === "moved" ? moved.made : null,
      h("label", { for: "note" }, t("other.note")),
      note,
      problem,
      button(
        dead ? t("other.document") : t("noface.next"),
        async () => {
          draft.note = note.value.trim();
          draft.movedTo = moved.input.value.trim();
          if (dead) {
            draft.death = {
              informant: informant.input.value.trim(),
              relation: relation.input.value.trim(),
              died_on: died.input.value || null,
            };
            const empty = [informant.input, relation.input].find((input) => !input.value.trim());
            if (empty) {
              problem.textContent = t("other.error");
              problem.hidden = false;
              empty.focus();
              return;
            }
          }
          await keepDraft(draft);
          if (dead) await go("photos", { visit, kind: "document" });
          else await go("sealing", { visit, result });
        },
        { kind: "main", icon: dead ? "camera" : undefined },
      ),
    ],
  };
}
