/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { h } from "../dom.js";
import { day, t } from "../i18n.js";

/**
 * List the attempts and certificates of the past.
 *
 * @returns {Promise<Page>}
 */
export async function history() {
  /** @type {Service.HistoryOut} */
  const { attempts, certificates } = await call("/v1/me/history");
  const nothing = !attempts.length && !certificates.length;
  return {
    title: t("history.title"),
    back: "status",
    body: [
      nothing ? h("p", {}, t("history.none")) : null,
      attempts.length
        ? h(
            "ul",
            { class: "rows card" },
            attempts.map((each) =>
              h(
                "li",
                {},
                h("strong", {}, day(each.decided_at)),
                `${t(`history.${each.channel}`)}: `,
                t(`history.${each.outcome === "doorstep" ? "retry" : each.outcome}`),
                each.assisted ? ` (${t("history.assisted")})` : null,
              ),
            ),
          )
        : null,
      certificates.length ? h("h2", {}, t("history.certificates")) : null,
      certificates.length
        ? h(
            "ul",
            { class: "rows card" },
            certificates.map((each) =>
              h(
                "li",
                {},
                h("strong", {}, h("bdi", {}, each.number)),
                t(`history.${each.state}`, { date: day(each.valid_until) }),
              ),
            ),
          )
        : null,
    ],
  };
}
