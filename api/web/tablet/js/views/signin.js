/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { deviceId } from "../device.js";
import { begun } from "../draft.js";
import { button, h, submits } from "../dom.js";
import { t, tn } from "../i18n.js";
import { usePasskey, wasDeclined } from "../passkey.js";
import { go } from "../pages.js";
import { askForDay, keepDay, unsent } from "../sync.js";
import { own } from "../tablet.js";
import { beginWork, isOpen, SHORTEST_CODE, signedIn } from "../work.js";

/**
 * Sign in with the passkey, over the network, and fetch the next days.
 *
 * @param {{until?: number}} options `until`: end of a sign-in that has just begun and needs a code, as the passkey
 *   derives no secret; in milliseconds since 1970
 * @returns {Promise<Page>}
 */
export async function signin({ until }) {
  if (until) return choose(until);
  const tablet = await own();
  if (!tablet) return { title: t("enrol.none.title"), body: [h("p", {}, t("enrol.none"))] };
  const left = await unsent();
  const before = await signedIn();
  const atRisk = (await isOpen()) ? 0 : (await begun()).length;
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  return {
    title: t("signin.title"),
    body: [
      h("p", { class: "lead" }, tablet.agent.name),
      h("p", {}, t("signin.text")),
      left ? h("p", { class: "note" }, tn("signin.left", left)) : null,
      atRisk ? h("p", { class: "error" }, tn("signin.begun", atRisk)) : null,
      before ? button(t("unlock.title"), () => go("home"), { kind: atRisk ? "main" : "" }) : null,
      problem,
      button(
        t("signin.do"),
        async () => {
          problem.hidden = true;
          try {
            const { options } = await call("/v1/tablet/sign-in/begin", { json: { tablet_id: tablet.id } });
            const { answer, prf } = await usePasskey(options);
            const { until } = await call("/v1/tablet/sign-in", {
              json: { tablet_id: tablet.id, credential: answer, device_id: deviceId() },
            });
            if (!prf) {
              await go("signin", { until: Date.parse(until) }, { replace: true, history: false });
              return;
            }
            await start(Date.parse(until), { prf });
          } catch (error) {
            if (!wasDeclined(error)) throw error;
            problem.textContent = t("passkey.declined");
            problem.hidden = false;
          }
        },
        { kind: atRisk ? "" : "main" },
      ),
    ],
  };
}

/**
 * Begin the sign-in. The next days are fetched first: if the network is lost now, the earlier work is still here.
 *
 * @param {number} until when it ends, in milliseconds since 1970
 * @param {import("../work.js").By} by
 */
async function start(until, by) {
  const day = await askForDay();
  await beginWork(until, by);
  await keepDay(day);
  await go("today", {}, { replace: true });
}

/**
 * Ask for a code for this sign-in, because the passkey derives no secret that could open the work again.
 *
 * @param {number} until when the sign-in ends, in milliseconds since 1970
 * @returns {Page}
 */
function choose(until) {
  const problem = h("p", { class: "error", id: "problem", role: "alert", hidden: true });
  const input = () =>
    /** @type {HTMLInputElement} */ (
      h("input", { type: "password", autocomplete: "off", "aria-describedby": "problem" })
    );
  const [first, second] = [input(), input()];
  first.id = "code";
  second.id = "again";
  const form = h(
    "form",
    { novalidate: true },
    h("label", { for: "code" }, t("code.label")),
    first,
    h("label", { for: "again" }, t("code.again")),
    second,
    problem,
    button(t("code.do"), () => {}, { kind: "main", type: "submit" }),
  );
  submits(form, async () => {
    const wrong =
      first.value.length < SHORTEST_CODE ? "code.short" : first.value !== second.value ? "code.differs" : null;
    if (wrong) {
      problem.textContent = t(wrong, { count: SHORTEST_CODE });
      problem.hidden = false;
      first.focus();
      return;
    }
    await start(until, { code: first.value });
  });
  return { title: t("code.title"), body: [h("p", {}, t("code.text", { count: SHORTEST_CODE })), form] };
}
