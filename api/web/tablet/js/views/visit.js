/** @import { Draft } from "../draft.js" */
/** @import { Page } from "../pages.js" */
/** @import { State } from "../sync.js" */
import { asking, heldIn } from "../ask.js";
import { sha256, unbase64, utf8 } from "../bytes.js";
import { today } from "../clock.js";
import { begin, draftOf, dropDraft, keepDraft } from "../draft.js";
import { button, changes, h } from "../dom.js";
import { t } from "../i18n.js";
import { go } from "../pages.js";
import { dayHere, states } from "../sync.js";
import { canBeMade, tagOf } from "./today.js";

/**
 * Show one visit: the agent identifies themself, identifies the person, and chooses what to do. Each step is kept. A
 * visit that the service refused is shown with the reason.
 *
 * @param {{id: string, again?: boolean}} options `id`: of the visit; `again`: make a visit again that was refused
 * @returns {Promise<Page>}
 */
export async function visit({ id, again = false }) {
  const work = await dayHere();
  const stop = work?.stops.find((each) => each.visit_id === id) ?? null;
  const state = (await states()).get(id);
  const begun = await draftOf(id);
  if (state && (!canBeMade(state) || (state.state === "refused" && !begun && !again))) return over(stop, state);
  const draft = begun ?? (await begin(id, stop));
  const shown = h("div", {});
  // A person who is not in the plan can check the agent too, by a code for one day. Work that was fetched some days ago
  // has none for today.
  const code = stop ? stop.door_code : work?.day_codes?.[today()];
  const showMe = code
    ? button(
        t("visit.show"),
        async () => {
          if (shown.firstChild) {
            shown.replaceChildren();
            return;
          }
          const address = URL.createObjectURL(new Blob([unbase64(code)], { type: "image/png" }));
          shown.replaceChildren(
            h(
              "div",
              { class: "card" },
              h("img", { class: "qr", src: address, alt: t("visit.code.alt") }),
              h("p", {}, t(stop ? "visit.code" : "visit.code.free")),
            ),
          );
          draft.agentShown = true;
          await keepDraft(draft);
        },
        { icon: "eye" },
      )
    : h("p", {}, t("visit.badge"));
  return {
    title: stop ? stop.name : draft.name || t("visit.fresh"),
    back: "today",
    body: [
      stop
        ? h(
            "div",
            { class: "card" },
            h("p", {}, stop.address || t("today.noaddress")),
            stop.directions ? h("p", { class: "quiet" }, stop.directions) : null,
            h(
              "p",
              { class: "quiet" },
              t("visit.known", { card: stop.card_masked ?? stop.national_id_masked, year: stop.birth_year ?? "?" }),
            ),
            stop.needs.length
              ? h("p", { class: "note" }, stop.needs.map((need) => t(`need.${need}`)).join(" · "))
              : null,
          )
        : null,
      h("h2", {}, t("visit.one")),
      showMe,
      shown,
      h("h2", {}, t("visit.two")),
      ...identify(draft, stop),
      h("h2", {}, t("visit.three")),
      button(t("visit.photo"), () => next(draft, "photos"), { kind: "main", icon: "camera" }),
      button(t("visit.noface"), () => next(draft, "noface")),
      button(t("visit.notfound"), () => next(draft, "other", { result: "not_found" })),
      button(t("visit.moved"), () => next(draft, "other", { result: "moved" })),
      button(t("visit.refused"), () => next(draft, "other", { result: "refused" })),
      button(t("visit.deceased"), () => next(draft, "other", { result: "deceased" })),
      asking(t("visit.drop"), {
        loses: () => heldIn(draft),
        yes: t("visit.drop.yes"),
        no: t("ask.keep"),
        action: async () => {
          await dropDraft(draft.visit);
          await go("today", {}, { replace: true });
        },
      }),
    ],
  };
}

/** Keep the draft and go to a page. @param {Draft} draft @param {string} page @param {object} [more] options */
async function next(draft, page, more = {}) {
  await keepDraft(draft);
  await go(page, { visit: draft.visit, ...more });
}

/** Make the part of the page that identifies the person. @param {Draft} draft @param {Service.StopOut | null} stop */
function identify(draft, stop) {
  const said = h("p", { class: "quiet", role: "status", id: "match" });
  const why = /** @type {HTMLTextAreaElement} */ (h("textarea", { id: "why", value: draft.note }));
  why.addEventListener("change", async () => {
    draft.note = why.value.trim();
    await keepDraft(draft);
  });
  const asked = h("div", {}, h("label", { for: "why" }, t("visit.differs.why")), why);
  const tell = () => {
    asked.hidden = draft.matches !== false;
    said.className = draft.matches === false ? "error" : "quiet";
    if (draft.who?.how === "letter") said.textContent = t("visit.letter.read");
    else said.textContent = draft.matches === null ? "" : draft.matches ? t("visit.matches") : t("visit.differs");
  };
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "card",
      class: "number",
      type: "text",
      autocomplete: "off",
      autocapitalize: "characters",
      value: draft.who?.card_number ?? "",
      "aria-describedby": "match",
    })
  );
  changes(input, async () => {
    const clear = normalise(input.value);
    draft.who = clear ? { card_number: clear, how: "card" } : null;
    draft.matches =
      clear && stop ? stop.numbers.includes((await sha256(utf8(`${stop.visit_id}|${clear}`))).slice(0, 3)) : null;
    tell();
    await keepDraft(draft);
  });
  tell();
  const scan =
    "BarcodeDetector" in window
      ? button(t("visit.letter"), () => next(draft, "photos", { scan: true }), { icon: "look" })
      : null;
  return [
    h("label", { for: "card" }, t("visit.card")),
    input,
    said,
    asked,
    scan,
    draft.person ? h("p", { class: "hint" }, t("visit.byname")) : h("p", { class: "hint" }, t("visit.fresh.text")),
  ];
}

/**
 * Write a number in its one form: `normalise_id` of the service does the same.
 *
 * @param {string} text
 * @returns {string}
 */
export const normalise = (text) =>
  text
    .normalize("NFKC")
    .replace(/[\s\-./]/g, "")
    .toUpperCase();

/** Show a visit that is over. @param {Service.StopOut | null} stop @param {State} state @returns {Page} */
function over(stop, state) {
  const tag = tagOf(state, false);
  const reason = state.told?.reason;
  // A visit is made again under the same id. The service refuses only a second one of a visit that it has opened.
  const again = stop && state.state === "refused" && reason !== "visit_repeated";
  return {
    title: stop?.name ?? t("visit.fresh"),
    back: "today",
    body: [
      h("p", {}, h("span", { class: `tag ${tag?.look ?? ""}` }, tag?.text ?? "")),
      h(
        "p",
        {},
        state.state === "sealed" ? t("visit.sealed") : state.state === "refused" ? t("visit.held") : t("visit.over"),
      ),
      reason ? h("p", { class: "note" }, t(`reason.${reason}`)) : null,
      state.told?.guidance.length ? h("p", { class: "note" }, t("visit.again")) : null,
      again
        ? [
            h("p", {}, t("visit.remake.text")),
            button(t("visit.remake"), () => go("visit", { id: stop.visit_id, again: true }, { replace: true }), {
              kind: "main",
            }),
          ]
        : null,
    ],
  };
}
