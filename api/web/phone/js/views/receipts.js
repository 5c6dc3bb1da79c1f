/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { withCode } from "../confirmed.js";
import { button, h } from "../dom.js";
import { day, has, t } from "../i18n.js";
import { go } from "../pages.js";
import { schemeName } from "./status.js";

/**
 * List the records and attestations that certifications without a capture rested on; the person can deny each of them.
 *
 * @param {{asking?: string}} options `asking`: id of the record that the person is about to deny
 * @returns {Promise<Page>}
 */
export async function receipts({ asking }) {
  /** @type {Service.ReceiptList} */
  const { items } = await call("/v1/me/receipts");
  const body = items.length ? items.map((receipt) => card(receipt, asking)) : [h("p", {}, t("receipts.none"))];
  return {
    title: t("receipts.title"),
    back: "status",
    body: [items.length ? h("p", {}, t("receipts.text")) : null, ...body],
  };
}

/** @param {Service.ReceiptOut} receipt @param {string | undefined} asking */
function card(receipt, asking) {
  return h(
    "section",
    { class: "card" },
    h("h2", {}, t("receipts.for", { scheme: schemeName(receipt), date: day(receipt.proven_on) })),
    h(
      "ul",
      { class: "rows" },
      receipt.items.map((item) => row(item, asking)),
    ),
  );
}

/** @param {Service.ReceiptItemOut} item @param {string | undefined} asking */
function row(item, asking) {
  const what = has(`act.${item.act}`) ? t(`act.${item.act}`) : t("act.other");
  const act = item.place ? `${what} (${item.place})` : what;
  const text = t("receipts.item", { act, date: day(item.on), source: item.source });
  if (item.denied) return h("li", {}, text, h("p", { class: "note" }, t("receipts.denied")));
  if (asking !== item.evidence_id) {
    const deny = button(t("receipts.notme"), () => go("receipts", { asking: item.evidence_id }, { replace: true }));
    deny.setAttribute("aria-label", `${t("receipts.notme")}: ${text}`);
    return h("li", {}, h("p", {}, text), deny);
  }
  return h(
    "li",
    {},
    h("p", {}, text),
    h("p", { class: "note", role: "alert" }, t("receipts.notme.sure")),
    button(
      t("receipts.notme.yes"),
      () =>
        withCode(async () => {
          await call(`/v1/me/receipts/${item.evidence_id}/not-me`, { method: "POST" });
          await go("receipts", {}, { replace: true });
        }),
      { kind: "danger" },
    ),
    button(t("receipts.notme.no"), () => go("receipts", {}, { replace: true })),
  );
}
