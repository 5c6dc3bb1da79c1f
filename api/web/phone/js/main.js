// The app of people who certify themselves: its pages and its start.

import { keep } from "./device.js";
import { t } from "./i18n.js";
import { go, keepOffline, resume, start, takeSecret } from "./pages.js";
import { state } from "./state.js";
import { welcome } from "./views/welcome.js";

/** @type {Record<string, () => Promise<import("./pages.js").View>>} All but the first page are loaded when needed. */
const VIEWS = {
  welcome: async () => welcome,
  find: async () => (await import("./views/find.js")).find,
  code: async () => (await import("./views/code.js")).code,
  status: async () => (await import("./views/status.js")).status,
  prepare: async () => (await import("./views/prepare.js")).prepare,
  capture: async () => (await import("./views/capture.js")).capture,
  file: async () => (await import("./views/file.js")).file,
  send: async () => (await import("./views/send.js")).send,
  outcome: async () => (await import("./views/outcome.js")).outcome,
  visit: async () => (await import("./views/visit.js")).visit,
  certificate: async () => (await import("./views/certificate.js")).certificate,
  receipts: async () => (await import("./views/receipts.js")).receipts,
  history: async () => (await import("./views/history.js")).history,
  consent: async () => (await import("./views/consent.js")).consent,
  confirm: async () => (await import("./views/confirm.js")).confirm,
  contact: async () => (await import("./views/contact.js")).contact,
  appeal: async () => (await import("./views/appeal.js")).appeal,
  agent: async () => (await import("./views/agent.js")).agent,
  erasure: async () => (await import("./views/erasure.js")).erasure,
  signins: async () => (await import("./views/signins.js")).signins,
  settings: async () => (await import("./views/settings.js")).settings,
};

/** @type {Record<string, string>} Texts for problems, by code. */
const SAID = {
  session_expired: "error.expired",
  another_in_progress: "error.progress",
  too_many_sessions: "error.day",
  consent_withdrawn: "error.consent",
  no_reference: "error.nophoto",
  attempts_used_up: "outcome.used_up.text",
  access_refused: "code.error",
  contact_invalid: "contact.error",
};

async function main() {
  const link = takeSecret("lv"); // of a letter, or of the code that an agent shows at the door
  await start({
    views: VIEWS,
    home: "welcome",
    signIn: () => ({ title: t("app.comein"), go: () => go(state.who ? "code" : "find", { then: "code" }) }),
    signedOut: () => {
      state.signedIn = false;
      keep("remembered", "0");
    },
    passing: ["capture", "send", "outcome", "file"],
    instead: () => (state.last ? { name: "send", options: { arrived: state.last } } : null),
    said: SAID,
  });
  if (link) await go(link.kind === "l" ? "code" : "agent", { secret: link.secret }, { replace: true });
  else await resume();
  await keepOffline("/sw.js", "/");
}

main().catch(() => {
  // Without texts, nothing but what the first page brought can be said.
  for (const [id, hidden] of Object.entries({ boot: true, failed: false })) {
    const found = document.getElementById(id);
    if (found) found.hidden = hidden;
  }
});
