/** @import { Page } from "../pages.js" */
import { draftOf, keepDraft } from "../draft.js";
import { button, h } from "../dom.js";
import { t } from "../i18n.js";
import { go } from "../pages.js";

/**
 * Ask why photos of the face are not possible, and for witnesses or a medical attestation instead.
 *
 * @param {{visit: string, way?: string}} options `visit`: id of the visit; `way`: "witnesses" once they were chosen
 * @returns {Promise<Page>}
 */
export async function noface({ visit, way = "" }) {
  const draft = await draftOf(visit);
  if (!draft) return { title: t("noface.title"), body: [button(t("app.home"), () => go("today"), { kind: "main" })] };
  const problem = h("p", { class: "error", id: "problem", role: "alert", hidden: true });
  const why = /** @type {HTMLTextAreaElement} */ (
    h("textarea", { id: "why", maxlength: "2000", "aria-describedby": "problem" })
  );
  why.value = draft.whyNoFace;
  const rows = [0, 1].map((place) => {
    const known = draft.witnesses[place];
    const name = /** @type {HTMLInputElement} */ (
      h("input", { id: `name${place}`, type: "text", autocomplete: "off", maxlength: "200", value: known?.name ?? "" })
    );
    const relation = /** @type {HTMLInputElement} */ (
      h("input", {
        id: `relation${place}`,
        type: "text",
        autocomplete: "off",
        maxlength: "200",
        value: known?.relation ?? "",
      })
    );
    const legend = h("legend", {}, t(`noface.witness.${place + 1}`));
    return {
      name,
      relation,
      made: h(
        "fieldset",
        {},
        legend,
        h("label", { for: name.id }, t("noface.name")),
        name,
        h("label", { for: relation.id }, t("noface.relation")),
        relation,
      ),
    };
  });
  const reader = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "reader",
      type: "text",
      autocomplete: "off",
      maxlength: "200",
      value: draft.slots[0]?.declared ?? "",
    })
  );
  const slot = draft.slots[0]?.kind ?? "fingerprint";
  const kind = /** @type {HTMLSelectElement} */ (
    h(
      "select",
      { id: "kind" },
      ["fingerprint", "card_reader"].map((name) =>
        h("option", { value: name, selected: name === slot }, t(`noface.kind.${name}`)),
      ),
    )
  );
  const keep = async () => {
    draft.whyNoFace = why.value.trim();
    draft.witnesses = rows
      .map(({ name, relation }) => ({ name: name.value.trim(), relation: relation.value.trim() }))
      .filter((each) => each.name && each.relation);
    draft.slots = reader.value.trim() ? [{ kind: kind.value, declared: reader.value.trim() }] : [];
    await keepDraft(draft);
  };
  /** @param {string} key @param {HTMLElement} at */
  const refuse = (key, at) => {
    problem.textContent = t(key);
    problem.hidden = false;
    at.setAttribute("aria-invalid", "true");
    at.focus();
  };
  const witnesses = h(
    "div",
    { hidden: way !== "witnesses" },
    rows.map((row) => row.made),
    button(
      t("noface.next"),
      async () => {
        await keep();
        if (!draft.whyNoFace) return refuse("noface.error.why", why);
        if (draft.witnesses.length < 2) return refuse("noface.error.witnesses", rows[draft.witnesses.length].name);
        return await go("sealing", { visit, result: "witnesses" });
      },
      { kind: "main" },
    ),
  );
  return {
    title: t("noface.title"),
    back: "visit",
    body: [
      h("p", {}, t("noface.text")),
      h("label", { for: "why" }, t("noface.why")),
      why,
      h("label", { for: "reader" }, t("noface.reader")),
      h("p", { class: "hint" }, t("noface.reader.text")),
      reader,
      h("label", { for: "kind" }, t("noface.kind")),
      kind,
      problem,
      way === "witnesses"
        ? null
        : button(
            t("noface.witnesses"),
            async () => {
              await keep();
              await go("noface", { visit, way: "witnesses" }, { replace: true });
            },
            { kind: "main", icon: "person" },
          ),
      way === "witnesses"
        ? null
        : button(
            t("noface.medical"),
            async () => {
              await keep();
              if (!draft.whyNoFace) return refuse("noface.error.why", why);
              return await go("photos", { visit, kind: "medical" });
            },
            { icon: "camera" },
          ),
      witnesses,
    ],
  };
}
