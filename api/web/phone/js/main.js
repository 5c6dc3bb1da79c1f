// The frame of the app: language, settings, which page is shown, and what happens when something goes wrong.

import { call, NoNetwork, Problem } from "./api.js";
import { applyTextSize, keep, recall } from "./device.js";
import { append, button, h, icon } from "./dom.js";
import { current, LANGUAGES, load, NAMES, number, t } from "./i18n.js";
import { welcome } from "./views/welcome.js";

/**
 * What pages share while the app is open; none of it is stored.
 * @typedef {{national_id?: string, card_number?: string, birth_date: string}} Who
 * @type {{who: Who | null, helper: boolean, noFlash: boolean, signedIn: boolean, afterCapture: string | null}}
 */
export const state = { who: null, helper: false, noFlash: recall("noflash") === "1", signedIn: false, afterCapture: null };

/** @typedef {{title: string, body: import("./dom.js").Child[], back?: string | null, leave?: () => void}} Page */
/** @typedef {(options: Record<string, any>) => Page | Promise<Page>} View */

/** @type {Record<string, () => Promise<View>>} Pages are loaded when they are needed. */
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
  settings: async () => (await import("./views/settings.js")).settings,
};

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
/** @type {(() => void) | undefined} */
let leave;
let shown = { name: "welcome", options: /** @type {Record<string, any>} */ ({}) };
let turn = 0;

/**
 * Show a page. The address keeps its name only, so that the phone's own back button works; nobody's data is in it.
 * @param {string} name @param {Record<string, any>} [options] @param {{replace?: boolean, history?: boolean}} [how]
 */
export async function go(name, options = {}, how = {}) {
  const mine = ++turn;
  leave?.();
  leave = undefined;
  try {
    const view = await VIEWS[name]();
    const page = await view(options);
    if (mine !== turn) {
      page.leave?.();
      return;
    }
    shown = { name, options };
    if (how.history !== false) history[how.replace ? "replaceState" : "pushState"]({ name, options }, "", `#${name}`);
    render(page);
  } catch (error) {
    if (mine === turn) render(problemPage(error, () => go(name, options, { replace: true })));
  }
}

/** Show the present page again, as after a change of language. */
export const again = () => go(shown.name, shown.options, { replace: true });

/** @param {Page} page */
function render(page) {
  leave = page.leave;
  const heading = h("h1", { tabindex: "-1", id: "title" }, page.title);
  main.replaceChildren();
  const body = /** @type {HTMLElement[]} */ (page.body.flat().filter((child) => child instanceof HTMLElement));
  const own = body.find((child) => child.matches?.("h1") || child.querySelector?.("h1"));
  if (page.back) main.append(button(t("app.back"), () => history.back(), { kind: "plain", icon: "back" }));
  if (!own) main.append(heading);
  append(main, page.body);
  document.title = `${page.title} · ${t("app.name")}`;
  const focus = /** @type {HTMLElement} */ (own ? (own.matches("h1") ? own : own.querySelector("h1")) : heading);
  focus.tabIndex = -1;
  focus.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/** @param {unknown} error @param {() => unknown} retry @returns {Page} */
export function problemPage(error, retry) {
  const signedOut = error instanceof Problem && error.status === 401;
  return {
    title: t("error.title"),
    body: [
      h("p", { class: "error", role: "alert" }, sayProblem(error)),
      signedOut ? button(t("status.title"), () => go("find", { then: "code" }), { kind: "main" }) : button(t("app.again"), retry, { kind: "main" }),
      button(t("app.home"), () => go("welcome")),
    ],
  };
}

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

/** What to say to a person about an error. @param {unknown} error */
export function sayProblem(error) {
  if (error instanceof NoNetwork) return t("error.network");
  if (error instanceof Problem) {
    if (error.code in SAID) return t(SAID[error.code]);
    if (error.status === 401) return t("error.signedout");
    if (error.status === 429) {
      return error.retryAfter < 90
        ? t("error.busy", { seconds: number(Math.max(1, error.retryAfter)) })
        : t("error.limit", { minutes: number(Math.ceil(error.retryAfter / 60)) });
    }
  } else {
    console.error(error);
  }
  return t("error.server");
}

function frame() {
  const top = /** @type {HTMLElement} */ (document.querySelector("header.top"));
  top.querySelector("button")?.remove();
  const name = /** @type {HTMLElement} */ (top.querySelector(".brand span"));
  name.textContent = t("app.name");
  const gear = h("button", { type: "button", "aria-label": t("menu.title") }, icon("gear"));
  gear.addEventListener("click", () => go("settings"));
  top.append(gear);
  /** @type {HTMLElement} */ (document.querySelector(".skip")).textContent = t("app.skip");
}

/** @param {string} wanted */
export async function setLanguage(wanted) {
  await load(wanted);
  keep("language", wanted);
  frame();
  await again();
}

function watchNetwork() {
  const bar = /** @type {HTMLElement} */ (document.getElementById("network"));
  const tell = () => {
    bar.hidden = navigator.onLine;
    bar.textContent = navigator.onLine ? "" : t("app.offline");
  };
  window.addEventListener("online", tell);
  window.addEventListener("offline", tell);
  tell();
}

/** Take the secret of a letter's link out of the address before anything else sees it. */
function secretOfLink() {
  const found = /^#l=([A-Za-z0-9_-]{10,100})$/.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", location.pathname);
  return found[1];
}

async function start() {
  applyTextSize();
  const secret = secretOfLink();
  const remembered = recall("language");
  const wanted = remembered && LANGUAGES.includes(remembered) ? remembered : current();
  await load(LANGUAGES.includes(wanted) ? wanted : "en");
  frame();
  watchNetwork();
  window.addEventListener("popstate", (event) => {
    const found = event.state;
    // Never back into a capture, nor into a page that needs what only came before it.
    const fixed = found?.name in VIEWS && !["capture", "send", "outcome", "file"].includes(found.name);
    void go(fixed ? found.name : "welcome", fixed ? (found.options ?? {}) : {}, { history: false });
  });
  if (secret) await go("code", { secret }, { replace: true });
  else await go("welcome", {}, { replace: true });
  if ("serviceWorker" in navigator) navigator.serviceWorker.register(ownWorker()).catch(() => {});
}

/** The one script address that is ever made from text; the page's policy (Trusted Types) allows no other. @returns {any} */
function ownWorker() {
  const types = /** @type {any} */ (window).trustedTypes;
  return types ? types.createPolicy("certify", { createScriptURL: () => "/sw.js" }).createScriptURL("") : "/sw.js";
}

/** Whether the person is signed in; asks the service once per opening of the app. */
export async function ownPage() {
  const page = await call("/v1/me", { tries: 1 });
  state.signedIn = true;
  return page;
}

export const languages = () => LANGUAGES.map((code) => ({ code, name: NAMES[code] }));

void start();
