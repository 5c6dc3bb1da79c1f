/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { withCode } from "../confirmed.js";
import { button, h } from "../dom.js";
import { number, t } from "../i18n.js";
import { go } from "../pages.js";
import { ownPage } from "../state.js";
import { erasureSaid } from "./status.js";

/**
 * Ask that everything about the person be erased, or take that wish back.
 *
 * @param {{asking?: boolean, kept?: boolean}} options `asking`: the person is about to ask; `kept`: it was just recalled
 * @returns {Promise<Page>}
 */
export async function erasure({ asking = false, kept = false }) {
  const page = await ownPage();
  return {
    title: t("erasure.title"),
    back: "status",
    body: [
      kept ? h("p", { class: "note", role: "status" }, t("erasure.kept")) : null,
      ...(page.erasure ? recall(page.erasure) : wish(page, asking)),
    ],
  };
}

/** Show the erasure that is under way, and the way back. @param {Service.OwnErasureOut} open */
function recall(open) {
  const back = async () => {
    await call("/v1/me/erasure/recall", { method: "POST" });
    await go("erasure", { kept: true }, { replace: true });
  };
  return [
    h("p", { class: "lead", role: "status" }, erasureSaid(open)),
    button(t("erasure.keep"), back, { kind: "main" }),
  ];
}

/** Say what is lost, and ask twice. @param {Service.OwnPageOut} page @param {boolean} asking */
function wish(page, asking) {
  const send = () =>
    withCode(async () => {
      await call("/v1/me/erasure", { json: {} });
      await go("erasure", {}, { replace: true });
    });
  return [
    h("p", {}, t("erasure.text")),
    h(
      "ul",
      {},
      ["erasure.photos", "erasure.data", "erasure.certificate"].map((name) => h("li", {}, t(name))),
    ),
    h("p", {}, t("erasure.pension")),
    h("p", {}, t("erasure.wait", { hours: number(page.erasure_wait_hours) })),
    asking ? h("p", { class: "note", role: "alert" }, t("erasure.sure")) : null,
    asking
      ? button(t("erasure.yes"), send, { kind: "danger" })
      : button(t("erasure.ask"), () => go("erasure", { asking: true }, { replace: true }), { kind: "danger" }),
    asking ? button(t("erasure.no"), () => go("status")) : null,
  ];
}
