/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { keep } from "../device.js";
import { button, h } from "../dom.js";
import { moment, t } from "../i18n.js";
import { go } from "../pages.js";

/**
 * List where the person is signed in, and let them end it.
 *
 * @param {{ended?: boolean}} options `ended`: say that something was ended
 * @returns {Promise<Page>}
 */
export async function signins({ ended = false }) {
  /** @type {Service.SignInList} */
  const { items } = await call("/v1/me/sign-ins");
  const others = items.filter((each) => !each.this);
  const again = () => go("signins", { ended: true }, { replace: true });
  return {
    title: t("signins.title"),
    back: "status",
    body: [
      h("p", {}, t("signins.text")),
      ended ? h("p", { class: "note", role: "status" }, t("signins.ended")) : null,
      h(
        "ul",
        { class: "rows card" },
        items.map((each) =>
          h(
            "li",
            {},
            h("strong", {}, each.this ? t("signins.this") : t("signins.other")),
            t("signins.item", {
              way: t(`signins.${each.way}`),
              since: moment(Date.parse(each.created_at)),
              until: moment(Date.parse(each.expires_at)),
            }),
            each.this
              ? null
              : button(t("signins.end"), async () => {
                  await call(`/v1/me/sign-ins/${each.id}/end`, { method: "POST" });
                  await again();
                }),
          ),
        ),
      ),
      h("p", {}, t("signins.phones")),
      button(t("signins.forget"), async () => {
        await call("/v1/me/phones/forget", { method: "POST" });
        keep("known", "0");
        await go("signins", { ended: true }, { replace: true });
      }),
      others.length > 1
        ? button(
            t("signins.end.others"),
            async () => {
              await call("/v1/me/sign-ins/end-others", { method: "POST" });
              await again();
            },
            { kind: "main" },
          )
        : null,
    ],
  };
}
