import { call, Problem } from "../api.js";
/** @import { Page } from "../pages.js" */
import { speak } from "../capture/speak.js";
import { deviceId, keep } from "../device.js";
import { proofOf } from "../device_key.js";
import { button, h, icon } from "../dom.js";
import { number, RETENTION_DAYS, t } from "../i18n.js";
import { lastFilm } from "../last_film.js";
import { go } from "../pages.js";
import { state } from "../state.js";

/**
 * Prepare a capture: advice, whether another person helps, and consent.
 *
 * @returns {Page}
 */
export function prepare() {
  if (!state.who && !state.signedIn && !state.knownPhone) {
    return {
      title: t("find.title"),
      body: [
        lastFilm(),
        button(t("find.next"), () => go("find", { then: "prepare" }, { replace: true }), { kind: "main" }),
      ],
    };
  }
  const helper = /** @type {HTMLInputElement} */ (
    h("input", { type: "checkbox", checked: state.helper, onchange: () => (state.helper = helper.checked) })
  );
  const noFlash = /** @type {HTMLInputElement} */ (
    h("input", {
      type: "checkbox",
      checked: state.noFlash,
      onchange: () => {
        state.noFlash = noFlash.checked;
        keep("noflash", noFlash.checked ? "1" : "0");
      },
    })
  );
  /** @param {"capture" | "file"} way */
  const begin = async (way) => {
    // Some phones never speak unless the first sound answers a touch.
    speak(t("capture.starting"), { force: true });
    try {
      const opened = await openSession();
      if (way === "capture" && opened.session.plan?.flashes.length) await go("capture", { opened, warn: true });
      else await go(way, { opened });
    } catch (error) {
      if (error instanceof Problem && error.code === "attempts_used_up") return go("outcome", { usedUp: true });
      if (error instanceof Problem && error.code === "phone_unknown") {
        state.knownPhone = false;
        keep("known", "0");
        return go("find", { then: "prepare" });
      }
      throw error;
    }
    return undefined;
  };
  const tips = /** @type {[string, string][]} */ ([
    ["light", "light"],
    ["eye", "eyes"],
    ["person", "alone"],
    ["ear", "listen"],
  ]);
  return {
    title: t("prepare.title"),
    back: "welcome",
    body: [
      lastFilm(),
      h(
        "ul",
        { class: "tips" },
        tips.map(([sign, key]) => h("li", {}, icon(sign), h("span", {}, t(`prepare.${key}`)))),
      ),
      h(
        "label",
        { class: "choice" },
        helper,
        h("span", {}, t("prepare.helper")),
        h("small", {}, t("prepare.helper.text")),
      ),
      h(
        "label",
        { class: "choice" },
        noFlash,
        h("span", {}, t("prepare.flash")),
        h("small", {}, t("prepare.flash.text")),
      ),
      h("p", {}, t("prepare.consent", { days: number(RETENTION_DAYS) })),
      button(t("prepare.start"), () => begin("capture"), { kind: "main", icon: "camera" }),
      button(t("prepare.file"), () => begin("file"), { kind: "plain" }),
    ],
  };
}

/**
 * Open a capture session for the person who is signed in, else for the one who was entered.
 *
 * @returns {Promise<Service.SessionOpened>}
 * @throws {Problem} when the service refuses, as after too many attempts
 */
export async function openSession() {
  const asked = { assisted: state.helper, avoid_flashes: state.noFlash };
  state.last = null;
  if (state.signedIn) {
    await call("/v1/me/consent", { json: { given: true } });
    return await provedCall("/v1/me/sessions", asked);
  }
  if (state.knownPhone)
    return await provedCall("/v1/knock/phone/sessions", { ...asked, device_id: deviceId(), consent: true });
  return await provedCall("/v1/knock/sessions", { ...state.who, ...asked, device_id: deviceId(), consent: true });
}

/**
 * Ask for a session, with a proof that this is the same phone as before. Without one the phone is an unknown one.
 *
 * @param {string} path
 * @param {object} json
 * @returns {Promise<Service.SessionOpened>}
 */
async function provedCall(path, json) {
  const { nonce } = await call("/v1/knock/nonce");
  const proof = await proofOf("POST", path, nonce);
  return await call(path, { json, headers: proof ? { DPoP: proof } : {} });
}
