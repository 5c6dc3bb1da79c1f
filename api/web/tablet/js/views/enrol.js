/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { begun as begunVisits } from "../draft.js";
import { button, h } from "../dom.js";
import { t, tn } from "../i18n.js";
import { makePasskey, wasDeclined } from "../passkey.js";
import { go, sayProblem } from "../pages.js";
import { publicKey, setOwn } from "../tablet.js";
import { forget, signedIn } from "../work.js";

/**
 * Enrol this tablet for an agent.
 *
 * @param {{secret?: string}} options `secret`: of the address that the office handed over
 * @returns {Promise<Page>}
 */
export async function enrol({ secret }) {
  if (!secret) return { title: t("enrol.none.title"), body: [h("p", {}, t("enrol.none"))] };
  if (!window.PublicKeyCredential || !crypto.subtle)
    return { title: t("enrol.title"), body: [h("p", { class: "error", role: "alert" }, t("enrol.old"))] };
  /** @type {Service.EnrolmentOut} */
  let begun;
  try {
    begun = await call("/v1/tablet/enrolment/begin", { json: { secret } });
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    return { title: t("enrol.used.title"), body: [h("p", { class: "error", role: "alert" }, t("enrol.used"))] };
  }
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  const atRisk = (await signedIn()) ? (await begunVisits()).length : 0;
  return {
    title: t("enrol.title"),
    body: [
      h(
        "div",
        { class: "card" },
        h("p", { class: "dateline" }, begun.agent.name),
        h("p", {}, t("enrol.badge", { badge: begun.agent.badge, fund: begun.fund })),
      ),
      h("p", {}, t("enrol.text")),
      atRisk
        ? [
            h("p", { class: "error" }, tn("enrol.begun", atRisk)),
            button(t("unlock.title"), () => go("home"), { kind: "main" }),
          ]
        : null,
      problem,
      button(
        t("enrol.do"),
        async () => {
          problem.hidden = true;
          try {
            // A challenge is answered once, so each try has a new one.
            const fresh = await call("/v1/tablet/enrolment/begin", { json: { secret } });
            const credential = await makePasskey(fresh.options);
            const { tablet_id: id } = await call("/v1/tablet/enrolment", {
              json: { secret, key: await publicKey(), credential },
            });
            // The work that was fetched belongs to another tablet, and perhaps to another agent.
            await forget();
            await setOwn({ id, agent: begun.agent, fund: begun.fund });
            await go("signin", {}, { replace: true });
          } catch (error) {
            problem.textContent = wasDeclined(error) ? t("passkey.declined") : sayProblem(error);
            problem.hidden = false;
          }
        },
        { kind: atRisk ? "" : "main" },
      ),
    ],
  };
}
