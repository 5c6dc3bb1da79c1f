// The frame of an app: which page is shown, and what happens when something goes wrong.

import { NoNetwork, Problem } from "./api.js";
import { append, button, h, icon } from "./dom.js";
import { applyTextSize, keep, recall } from "./device.js";
import { current, LANGUAGES, load, number, t } from "./i18n.js";

/** @typedef {{title: string, body: import("./dom.js").Child[], back?: string | null, leave?: () => void}} Page */
/** @typedef {(options: Record<string, any>) => Page | Promise<Page>} View */

/**
 * What an app is made of.
 * views: by name; they may be loaded when they are needed.
 * home: the first page. signIn: where to go when a sign-in has ended, and what that is called.
 * passing: pages that nobody goes back into, as they need what came before them. said: words for problems, by code.
 * @typedef {{views: Record<string, () => Promise<View> | View>, home: string, signIn: () => {title: string, go: () => unknown}, passing: string[], said: Record<string, string>}} App
 */

/** @type {App} */
let app;
/** @type {(value?: unknown) => void} */
let started;
/** Until an app is installed there is nothing to show. */
const ready = new Promise((done) => (started = done));
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
/** @type {(() => void) | undefined} */
let leave;
let shown = { name: "", options: /** @type {Record<string, any>} */ ({}) };
let turn = 0;

/**
 * Show a page. The address keeps its name only, so that the phone's own back button works; nobody's data is in it.
 * @param {string} name @param {Record<string, any>} [options] @param {{replace?: boolean, history?: boolean}} [how]
 */
export async function go(name, options = {}, how = {}) {
  const mine = ++turn;
  leave?.();
  leave = undefined;
  await ready;
  try {
    const view = await app.views[name]();
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

/** Which page is shown. */
export const here = () => shown.name;

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
  const door = app.signIn();
  return {
    title: t("error.title"),
    body: [
      h("p", { class: "error", role: "alert" }, sayProblem(error)),
      signedOut ? button(door.title, door.go, { kind: "main" }) : button(t("app.again"), retry, { kind: "main" }),
      button(t("app.home"), () => go(app.home)),
    ],
  };
}

/** What to say to a person about an error. @param {unknown} error */
export function sayProblem(error) {
  if (error instanceof NoNetwork) return t("error.network");
  if (error instanceof Problem) {
    if (error.code in app.said) return t(app.said[error.code]);
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

/** The bar at the top, in the present language. */
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

/**
 * Take a secret out of the page's address before anything else sees it: `#l=...` at the end of a letter's link, say.
 *
 * @param {string} kinds letters that this app knows before the equals sign
 * @returns {{kind: string, secret: string} | null} null when the address has none
 */
export function takeSecret(kinds) {
  const found = new RegExp(`^#([${kinds}])=([A-Za-z0-9_-]{10,100})$`).exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", location.pathname);
  return { kind: found[1], secret: found[2] };
}

/**
 * Start an app, in the language and text size that this device remembers. Its first page is shown with `go`.
 *
 * @param {App} made what the app is made of
 * @throws {Error} when the texts of the language do not load
 */
export async function start(made) {
  applyTextSize();
  const remembered = recall("language") ?? "";
  await load(Object.keys(LANGUAGES).includes(remembered) ? remembered : current());
  app = made;
  started();
  frame();
  watchNetwork();
  window.addEventListener("popstate", (event) => {
    const found = event.state;
    const fixed = found?.name in app.views && !app.passing.includes(found.name);
    void go(fixed ? found.name : app.home, fixed ? (found.options ?? {}) : {}, { history: false });
  });
}

/**
 * Keep the app on the device. The address of its worker is the one script address that is ever made from text; the
 * page's policy (Trusted Types) allows no other.
 * @param {string} address @param {string} scope
 */
export async function keepOffline(address, scope) {
  if (!("serviceWorker" in navigator)) return null;
  const types = /** @type {any} */ (window).trustedTypes;
  const own = types ? types.createPolicy("certify", { createScriptURL: () => address }).createScriptURL("") : address;
  return await navigator.serviceWorker.register(own, { scope }).catch(() => null);
}
