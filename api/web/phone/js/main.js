// The person's app: its pages, and how it starts.

import { call } from "./api.js";
import { applyTextSize, recall } from "./device.js";
import { current, LANGUAGES, load, NAMES, t } from "./i18n.js";
import { go, install, keepOffline } from "./pages.js";
import { welcome } from "./views/welcome.js";

export { go, again, problemPage, sayProblem, setLanguage } from "./pages.js";
/** @typedef {import("./pages.js").Page} Page */
/** @typedef {import("./pages.js").View} View */

/**
 * What pages share while the app is open; none of it is stored.
 * @typedef {{national_id?: string, card_number?: string, birth_date: string}} Who
 * @type {{who: Who | null, helper: boolean, noFlash: boolean, signedIn: boolean, afterCapture: string | null}}
 */
export const state = { who: null, helper: false, noFlash: recall("noflash") === "1", signedIn: false, afterCapture: null };

/** @type {Record<string, () => Promise<import("./pages.js").View>>} Pages are loaded when they are needed. */
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
  contact: async () => (await import("./views/contact.js")).contact,
  appeal: async () => (await import("./views/appeal.js")).appeal,
  agent: async () => (await import("./views/agent.js")).agent,
  settings: async () => (await import("./views/settings.js")).settings,
};

/** @type {Record<string, string>} */
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

/** Take the secret of a letter's link, or of the code at the door, out of the address before anything else sees it. */
function secretOfLink() {
  const found = /^#([lv])=([A-Za-z0-9_-]{10,100})$/.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", location.pathname);
  return { of: found[1], secret: found[2] };
}

async function start() {
  applyTextSize();
  const link = secretOfLink();
  const remembered = recall("language");
  const wanted = remembered && LANGUAGES.includes(remembered) ? remembered : current();
  await load(LANGUAGES.includes(wanted) ? wanted : "en");
  install({
    views: VIEWS,
    home: "welcome",
    signIn: () => ({ title: t("status.title"), go: () => go("find", { then: "code" }) }),
    passing: ["capture", "send", "outcome", "file"],
    said: SAID,
  });
  if (link) await go(link.of === "l" ? "code" : "agent", { secret: link.secret }, { replace: true });
  else await go("welcome", {}, { replace: true });
  await keepOffline("/sw.js", "/");
}

/** Whether the person is signed in; asks the service once per opening of the app. */
export async function ownPage() {
  const page = await call("/v1/me", { tries: 1 });
  state.signedIn = true;
  return page;
}

export const languages = () => LANGUAGES.map((code) => ({ code, name: NAMES[code] }));

void start();
