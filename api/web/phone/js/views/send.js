import { call, Problem } from "../api.js";
import { stubborn, upload } from "../capture/upload.js";
import { drop, fetchKept } from "../capture/vault.js";
import { button, h } from "../dom.js";
import { number, t } from "../i18n.js";
import { go, sayProblem } from "../pages.js";

const POLL_MS = 1200;
const LONG_MS = 45_000;

/**
 * Sending what was recorded, and waiting for what comes of it. Can be left and taken up again at any time.
 * @type {import("../pages.js").View}
 */
export async function send({ id, session, token, sent = false }) {
  const kept = sent ? undefined : await fetchKept(id);
  const control = new AbortController();
  const bar = /** @type {HTMLProgressElement} */ (h("progress", { max: "1", "aria-label": t("send.title") }));
  bar.value = sent ? 1 : 0;
  const said = h("p", { role: "status" }, sent ? t("send.looking") : t("send.progress", { percent: number(0) }));
  const body = h("div", {}, h("p", {}, t("send.text")), bar, said);
  const work = sent ? { sessionId: session.id, token } : kept;

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
        const now = await stubborn(
          () => call(`/v1/sessions/${work.sessionId}`, { token: work.token, tries: 0 }),
          () => {},
          control.signal,
        );
        if (now.state === "decided") {
          await drop(work.sessionId);
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
      if (useless && work) await drop(work.sessionId);
      said.className = "error";
      said.setAttribute("role", "alert");
      said.textContent =
        error instanceof Problem && error.status === 422 ? t("guide.video_damaged") : sayProblem(error);
      body.append(
        button(t("app.again"), () => go(useless ? "prepare" : "send", useless ? {} : { id }, { replace: true }), {
          kind: "main",
        }),
      );
      return undefined;
    }
  };
  void run();
  return { title: t("send.title"), body: [body], leave: () => control.abort() };
}
