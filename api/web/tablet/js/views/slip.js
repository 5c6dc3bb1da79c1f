/** @import { Page } from "../pages.js" */
import { today } from "../clock.js";
import { button, h } from "../dom.js";
import { day, t } from "../i18n.js";
import { go } from "../pages.js";
import { own } from "../tablet.js";

/**
 * Show what the agent writes on the slip that the person keeps. With its number the fund finds this visit.
 *
 * @param {{number: string, name: string}} options `number`: SHA-256 of the sealed visit; `name`: of the person
 * @returns {Promise<Page>}
 */
export async function slip({ number, name }) {
  const tablet = await own();
  const short = number.slice(0, 8).toUpperCase();
  return {
    title: t("slip.title"),
    body: [
      h("p", {}, t("slip.text")),
      h(
        "div",
        { class: "card" },
        h("p", { class: "quiet" }, [tablet?.fund, name].filter(Boolean).join(" · ")),
        h("p", { class: "slip" }, h("bdi", {}, `${short.slice(0, 4)} ${short.slice(4)}`)),
        h("p", {}, t("slip.who", { day: day(today()), badge: tablet?.agent.badge ?? "" })),
      ),
      h("p", { class: "hint" }, t("slip.message")),
      button(t("slip.next"), () => go("today", {}, { replace: true }), { kind: "main" }),
    ],
  };
}
