/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { dropAll } from "../capture/vault.js";
import { keep } from "../device.js";
import { button, h, icon } from "../dom.js";
import { day, has, t, tn } from "../i18n.js";
import { span } from "../span.js";
import { go } from "../pages.js";
import { forgetTab, ownPage } from "../state.js";
import { keepOld } from "./contact.js";

/** @type {Record<string, [string, string]>} Class and icon of each standing; its text says the same. */
const LOOKS = {
  certified: ["good", "check"],
  renew: ["good", "check"],
  due: ["care", "clock"],
  grace: ["care", "clock"],
  overdue: ["care", "warn"],
  paused: ["care", "warn"],
  stopped: ["bad", "stop"],
  unknown: ["", "clock"],
};

/**
 * Show how the person stands, what to do next, and the way to all other pages.
 *
 * @returns {Promise<Page>}
 */
export async function status() {
  const page = await ownPage();
  const title = headline(page);
  return {
    title,
    body: [
      page.name ? h("p", { class: "lead" }, t("status.hello", { name: page.name })) : null,
      card(page, title),
      page.contact_change
        ? h(
            "section",
            { class: "card" },
            h("p", {}, t("status.contact.change", { date: day(page.contact_change) })),
            button(t("contact.keep"), keepOld),
          )
        : null,
      page.erasure
        ? h(
            "section",
            { class: "card" },
            h("p", {}, erasureSaid(page.erasure)),
            button(t("erasure.keep"), () => go("erasure")),
          )
        : null,
      page.appeal
        ? h(
            "p",
            { class: "note" },
            page.appeal.closed_at
              ? t("status.appeal.closed", { date: day(page.appeal.closed_at) })
              : t("status.appeal", { date: day(page.appeal.answer_by) }),
          )
        : null,
      page.visit
        ? h(
            "p",
            { class: "note" },
            t("status.visit", { date: day(page.visit.wanted_on), part: t(`visit.${page.visit.part}`) }),
          )
        : null,
      main(page),
      pensions(page.pensions),
      h("h2", {}, t("status.more")),
      h("ul", { class: "links" }, [
        page.certificate || page.headline === "certified" || page.headline === "renew"
          ? link("certificate", "status.certificate")
          : null,
        link("receipts", "status.receipts"),
        link("visit", "status.visit.ask", { page }),
        link("history", "status.history"),
        link("consent", "status.consent", { page }),
        link("contact", "status.contact"),
        link("signins", "status.signins"),
        link("erasure", "status.erasure"),
      ]),
      button(
        t("app.signout"),
        async () => {
          await call("/v1/knock/sign-out", { method: "POST" });
          // The next person at a shared phone must not find a film that was not sent.
          await dropAll();
          forgetTab();
          keep("remembered", "0");
          await go("welcome");
        },
        { kind: "plain" },
      ),
    ],
  };
}

/**
 * Return the sentence about an erasure that is under way.
 *
 * @param {Service.OwnErasureOut} open
 * @returns {string}
 */
export const erasureSaid = (open) =>
  open.due_at ? t("status.erasure.waiting", { date: day(open.due_at) }) : t("status.erasure.proposed");

/** @param {Service.OwnPageOut} page */
function headline(page) {
  const { headline: name, valid_until: until, due_on: due } = page;
  if (name === "due" && !due) return t("status.due.nodate");
  return t(`status.${name}`, { date: until ? day(until) : due ? day(due) : "" });
}

/** @param {Service.OwnPageOut} page @param {string} title */
function card(page, title) {
  const [look, sign] = LOOKS[page.headline];
  return h(
    "section",
    { class: `card standing ${look}` },
    icon(sign, "badge"),
    h("h1", { tabindex: "-1" }, title),
    page.death_report
      ? h("p", {}, t("status.died", { date: span(page.death_report.first, page.death_report.last) }))
      : null,
    h("p", {}, t(`status.${page.headline}.text`, { date: page.due_on ? day(page.due_on) : "" })),
  );
}

/** @param {Service.OwnPageOut} page */
function main(page) {
  const objecting = page.appeal && !page.appeal.closed_at;
  if (["paused", "stopped"].includes(page.headline)) {
    return objecting ? null : button(t("status.alive"), () => go("appeal", { page, step: 1 }), { kind: "main" });
  }
  if (!["renew", "due", "grace", "overdue"].includes(page.headline)) return null;
  if (!page.can_film || page.consent === false)
    return button(t("status.visit.ask"), () => go("visit", { page }), { kind: "main", icon: "door" });
  return button(t(page.headline === "renew" ? "status.renew.button" : "status.certify"), () => go("prepare"), {
    kind: "main",
    icon: "camera",
  });
}

/** @param {Service.PensionOut[]} all */
function pensions(all) {
  return h(
    "section",
    {},
    h("h2", {}, tn("status.pensions", all.length)),
    h(
      "ul",
      { class: "rows card" },
      all.map((pension) => h("li", {}, h("strong", {}, schemeName(pension)), detail(pension))),
    ),
  );
}

/** @param {Service.PensionOut} pension */
function detail(pension) {
  if (pension.payment === "stop") return t("status.pension.stopped");
  const until = pension.valid_until
    ? t("status.pension.until", { date: day(pension.valid_until) })
    : pension.due_on
      ? t("status.pension.due", { date: day(pension.due_on) })
      : "";
  return [
    until,
    pension.back_pay_from ? t("status.pension.owed", { date: day(pension.back_pay_from) }) : "",
    pension.entitled_until ? t("status.pension.entitled", { date: day(pension.entitled_until) }) : "",
    pension.review_on ? t("status.pension.review", { date: day(pension.review_on) }) : "",
    pension.part ? t("status.pension.part", { part: pension.part }) : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

/**
 * Return the name of a pension's scheme.
 *
 * @param {{scheme: string, title?: string}} pension `title`: the name that the service has, for schemes without a text
 * @returns {string}
 */
export const schemeName = (pension) =>
  has(`scheme.${pension.scheme}`) ? t(`scheme.${pension.scheme}`) : (pension.title ?? pension.scheme);

/** @param {string} name of the page @param {string} key of the text @param {Record<string, unknown>} [options] */
function link(name, key, options = {}) {
  const made = button(t(key), () => go(name, options));
  made.append(icon("next", "icon turns"));
  return h("li", {}, made);
}
