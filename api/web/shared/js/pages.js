// The frame of an app: it shows one page at a time, and what went wrong in words.

import { NoNetwork, Problem } from "./api.js";
import { append, button, h, icon } from "./dom.js";
import { applyTextSize, keep, recall } from "./device.js";
import { current, has, LANGUAGES, load, number, t } from "./i18n.js";

/**
 * A page to show. `back`: any name shows the button that goes back. `leave`: called when another page is shown.
 *
 * @typedef {{title: string, body: import("./dom.js").Child[], back?: string | null, leave?: () => void}} Page
 */

/**
 * Makes a page from the options that were given to `go`; each view describes its own.
 *
 * @typedef {(options: any) => Page | Promise<Page>} View
 */

/**
 * The parts of an app.
 *
 * @typedef {object} App
 * @property {Record<string, () => Promise<View> | View>} views by name; they may be loaded when they are needed
 * @property {string} home name of the first page
 * @property {() => {title: string, go: () => unknown}} signIn button that is shown when a sign-in has ended
 * @property {string[]} passing pages that need what came before them: the back button goes home instead
 * @property {Record<string, string>} said keys of texts for problems, by code of the problem
 */

/** @type {App} */
let app;
/** @type {(value?: unknown) => void} */
let started;
/** Resolved when the app has started: before that there is nothing to show. */
const ready = new Promise((done) => (started = done));
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
/** @type {(() => void) | undefined} */
let leave;
let shown = { name: "", options: /** @type {Record<string, any>} */ ({}) };
let turn = 0;

/**
 * Show a page. The address keeps only its name, for the phone's own back button; personal data is never in it.
 *
 * @param {string} name one of the app's views
 * @param {Record<string, any>} [options] handed to the view
 * @param {{replace?: boolean, history?: boolean}} [how] `replace`: instead of the present entry of the history;
 *   `history`: false leaves the history as it is
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

/** Show the present page again, as after a change of language; resolves when it is shown. */
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

/**
 * Make the page that says what went wrong and how to go on.
 *
 * @param {unknown} error
 * @param {() => unknown} retry what to do when the person wants to try again
 * @returns {Page}
 */
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

/**
 * Say in words what went wrong.
 *
 * @param {unknown} error one that is neither a problem nor a lost network is written to the console
 * @returns {string}
 */
export function sayProblem(error) {
  if (error instanceof NoNetwork) return t("error.network");
  if (error instanceof Problem) {
    if (error.code in app.said) return t(app.said[error.code]);
    if (has(`guide.${error.code}`)) return t(`guide.${error.code}`); // what a file is, and what helps
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

/** Write the bar at the top in the present language. */
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

/**
 * Show the app in another language, and remember it on this device.
 *
 * @param {string} wanted one of `LANGUAGES`
 */
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
 * Take a secret out of the page's address before anything else sees it, such as `#l=...` at the end of a letter's link.
 *
 * @param {string} kinds letters before the equals sign that this app knows
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
 * Keep the app on the device, so that it opens without a network. The address of its worker is the only script address
 * that is made from text; the page's policy (Trusted Types) allows no other.
 *
 * @param {string} address of the service worker
 * @param {string} scope path of the pages that it serves
 * @returns {Promise<ServiceWorkerRegistration | null>} null when the browser cannot or will not
 */
export async function keepOffline(address, scope) {
  if (!("serviceWorker" in navigator)) return null;
  const types = /** @type {any} */ (window).trustedTypes;
  const own = types ? types.createPolicy("certify", { createScriptURL: () => address }).createScriptURL("") : address;
  return await navigator.serviceWorker.register(own, { scope }).catch(() => null);
}
