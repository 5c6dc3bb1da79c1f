/** @import { Page } from "../pages.js" */
import { call } from "../api.js";
import { REFUSED } from "../capture/command.js";
import { buzz, speak } from "../capture/speak.js";
import { deviceId, keep } from "../device.js";
import { button, h, icon } from "../dom.js";
import { day, t, tn } from "../i18n.js";
import { go } from "../pages.js";
import { state } from "../state.js";

/**
 * Show the outcome of a capture.
 *
 * @param {object} options
 * @param {Service.SessionOut} options.session the capture session, once it is decided
 * @param {string} options.token of that session
 * @param {boolean} [options.usedUp] no session could be opened: all attempts are used up
 * @returns {Promise<Page>}
 * @throws {Error} when the outcome is not one that this app knows
 */
export async function outcome({ session, token, usedUp = false }) {
  if (usedUp) return usedUpPage();
  /** @type {Record<string, (session: Service.SessionOut, token: string) => Page | Promise<Page>>} */
  const pages = { certified, retry, review, doorstep, other_path: otherPath };
  const page = await pages[session.outcome ?? ""]?.(session, token);
  if (!page) throw new Error(`unknown outcome ${session.outcome}`);
  speak(page.title, { force: true });
  return page;
}

/** @param {string} look @param {string} sign @param {string} title @param {...import("../dom.js").Child} more */
function card(look, sign, title, ...more) {
  return h(
    "section",
    { class: `card standing ${look}` },
    icon(sign, "badge"),
    h("h1", { tabindex: "-1" }, title),
    ...more,
  );
}

/** @param {Service.SessionOut} session @param {string} token @returns {Promise<Page>} */
async function certified(session, token) {
  buzz([80, 60, 80]);
  state.who = null;
  state.typed = {};
  keep("known", "1"); // perhaps: the service says so when it is asked
  if (state.afterCapture === "appeal") return await toAppeal(session, token);
  /** @type {Service.CertificateOut | null} */
  const found = session.certificate_number
    ? await call(`/v1/certificates/${session.certificate_number}`, { token })
    : null;
  const title = t("outcome.certified.title");
  return {
    title,
    body: [
      card(
        "good",
        "check",
        title,
        h("p", {}, t("outcome.certified.text")),
        found ? h("p", { class: "dateline" }, t("outcome.certified.until", { date: day(found.valid_until) })) : null,
      ),
      found
        ? button(
            t("certificate.title"),
            () => go("certificate", { session: { id: session.id, token }, number: found.number }),
            { kind: "main" },
          )
        : null,
      button(t("outcome.certified.keep"), () => open(session, token), { icon: "person" }),
      button(t("app.home"), () => go("welcome"), { kind: "plain" }),
    ],
  };
}

/** Sign in the person who was just recognised. @param {Service.SessionOut} session @param {string} token */
async function signIn(session, token) {
  if (!state.signedIn)
    await call(`/v1/knock/sessions/${session.id}/access`, { json: { device_id: deviceId() }, token });
  state.signedIn = true;
}

/** Show the person's own page. @param {Service.SessionOut} session @param {string} token */
async function open(session, token) {
  await signIn(session, token);
  await go("status");
}

/** Continue the objection after the capture. @param {Service.SessionOut} session @param {string} token */
async function toAppeal(session, token) {
  state.afterCapture = null;
  await signIn(session, token);
  return await (await import("./appeal.js")).appeal({ page: await call("/v1/me"), step: 2, shown: true });
}

/** @param {Service.SessionOut} session @returns {Page} */
function retry(session) {
  state.last = null; // there is nothing to come back to
  const title = t("outcome.retry.title");
  const left = session.attempts_left;
  const codes = session.guidance.map((each) => each.code);
  const who = state.who;
  // Some cameras take a command and do nothing. They are not given a second one.
  if (codes.includes("use_camera")) keep(REFUSED, "1");
  return {
    title,
    body: [
      card("care", "warn", title, h("p", {}, t("outcome.retry.text"))),
      h(
        "ul",
        { class: "rows card" },
        (codes.length ? codes : ["life_not_seen"]).map((code) => h("li", {}, t(`guide.${code}`))),
      ),
      left ? h("p", { class: "lead" }, tn("outcome.retry.left", left)) : null,
      button(t("app.again"), () => go("prepare", {}, { replace: true }), { kind: "main", icon: "camera" }),
      who
        ? h(
            "p",
            { class: "quiet" },
            t("outcome.retry.number", { number: who.card_number ?? who.national_id ?? "", date: day(who.birth_date) }),
          )
        : null,
      who ? button(t("outcome.retry.change"), () => go("find", { then: "prepare" })) : null,
    ],
  };
}

/** @param {Service.SessionOut} session @param {string} token @returns {Page | Promise<Page>} */
function review(session, token) {
  if (state.afterCapture === "appeal") return toAppeal(session, token);
  const title = t("outcome.review.title");
  return {
    title,
    body: [
      card("care", "clock", title, h("p", {}, t("outcome.review.text"))),
      button(t("status.title"), () => open(session, token), { kind: "main", icon: "person" }),
      button(t("app.home"), () => go("welcome"), { kind: "plain" }),
    ],
  };
}

/** @param {Service.SessionOut} session @param {string} token @returns {Page} */
function doorstep(session, token) {
  const title = t("outcome.doorstep.title");
  return {
    title,
    body: [
      card("care", "door", title, h("p", {}, t("outcome.doorstep.text"))),
      button(t("outcome.doorstep.choose"), () => go("visit", { session: { id: session.id, token } }), {
        kind: "main",
        icon: "door",
      }),
      button(t("app.home"), () => go("welcome"), { kind: "plain" }),
    ],
  };
}

/** Make the button that leads to a day for a visit, signed in or not. @param {string} kind */
const chooseDay = (kind) => button(t("outcome.doorstep.choose"), () => go("visit"), { kind, icon: "door" });

/** @returns {Page} */
function otherPath() {
  const title = t("outcome.other_path.title");
  return {
    title,
    body: [
      card("care", "door", title, h("p", {}, t("outcome.other_path.text"))),
      chooseDay("main"),
      button(t("app.home"), () => go("welcome"), { kind: "plain" }),
    ],
  };
}

/** @returns {Page} */
function usedUpPage() {
  const title = t("outcome.used_up.title");
  return {
    title,
    body: [
      card("care", "door", title, h("p", {}, t("outcome.used_up.text"))),
      chooseDay("main"),
      state.signedIn ? null : button(t("outcome.used_up.code"), () => go("code")),
      button(t("app.home"), () => go("welcome"), { kind: "plain" }),
    ],
  };
}
