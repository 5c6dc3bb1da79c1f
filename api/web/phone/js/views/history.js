import { call } from "../api.js";
import { h } from "../dom.js";
import { day, t } from "../i18n.js";

/** What happened so far. @type {import("../pages.js").View} */
export async function history() {
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
            attempts.map((/** @type {any} */ each) =>
              h(
                "li",
                {},
                h("strong", {}, day(each.decided_at)),
                `${t(`history.${each.channel}`)}: ${t(`history.${each.outcome === "doorstep" ? "retry" : each.outcome}`)}${each.assisted ? ` (${t("history.assisted")})` : ""}`,
              ),
            ),
          )
        : null,
      certificates.length ? h("h2", {}, t("history.certificates")) : null,
      certificates.length
        ? h(
            "ul",
            { class: "rows card" },
            certificates.map((/** @type {any} */ each) =>
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
