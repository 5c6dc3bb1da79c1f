/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { stubborn, upload } from "../capture/upload.js";
import { drop, fetchKept } from "../capture/vault.js";
import { button, h } from "../dom.js";
import { has, number, t } from "../i18n.js";
import { go, sayProblem } from "../pages.js";

const POLL_MS = 1200;
/** After so long the person is told that they need not wait. */
const LONG_MS = 45_000;

/**
 * Send a recording and wait for its outcome. The person may leave this page and come back at any time.
 *
 * @param {object} options one of the two
 * @param {string} [options.id] of a session whose recording is kept on this phone
 * @param {import("../state.js").Capture} [options.arrived] a session whose recording has arrived already
 * @returns {Promise<Page>}
 */
export async function send({ id = "", arrived }) {
  const kept = arrived ? undefined : await fetchKept(id);
  const control = new AbortController();
  const bar = /** @type {HTMLProgressElement} */ (h("progress", { max: "1", "aria-label": t("send.title") }));
  bar.value = arrived ? 1 : 0;
  const said = h("p", { role: "status" }, arrived ? t("send.looking") : t("send.progress", { percent: number(0) }));
  const body = h("div", {}, h("p", {}, t("send.text")), bar, said);
  const work = arrived ?? (kept && { id: kept.sessionId, token: kept.token });

  const run = async () => {
    if (!work) return await go("welcome", {}, { replace: true });
    try {
      if (kept) {
        await upload(kept, {
          signal: control.signal,
          progress: (share) => {
            bar.value = share;
            said.textContent = t("send.progress", { percent: number(Math.round(share * 100)) });
          },
          waiting: (is) => {
            if (is) said.textContent = t("send.waiting");
          },
        });
      }
      said.textContent = t("send.looking");
      const began = Date.now();
      let told = false;
      for (;;) {
        /** @type {Service.SessionOut} */
        const now = await stubborn(
          () => call(`/v1/sessions/${work.id}`, { token: work.token, tries: 0 }),
          () => {},
          control.signal,
        );
        if (now.state === "decided") {
          await drop(work.id);
          return await go("outcome", { session: now, token: work.token }, { replace: true });
        }
        if (now.state === "expired") throw new Problem(410, { code: "session_expired" });
        if (!told && Date.now() - began > LONG_MS) {
          told = true;
          said.textContent = t("send.long");
          body.append(button(t("app.home"), () => go("welcome")));
        }
        await new Promise((done) => setTimeout(done, POLL_MS));
        control.signal.throwIfAborted();
      }
    } catch (error) {
      if (control.signal.aborted) return undefined;
      const useless = error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429;
      if (useless && work) await drop(work.id);
      said.className = "error";
      said.setAttribute("role", "alert");
      said.textContent =
        error instanceof Problem && error.status === 422 && !has(`guide.${error.code}`)
          ? t("guide.video_damaged")
          : sayProblem(error);
      body.append(
        button(
          t("app.again"),
          () => go(useless ? "prepare" : "send", useless ? {} : { id, arrived }, { replace: true }),
          {
            kind: "main",
          },
        ),
      );
      return undefined;
    }
  };
  void run();
  return { title: t("send.title"), body: [body], leave: () => control.abort() };
}
