/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { birthDate } from "../birth.js";
import { deviceId, keep } from "../device.js";
import { digitsField, digitsIn } from "../digits.js";
import { button, h, submits } from "../dom.js";
import { current, t } from "../i18n.js";
import { go } from "../pages.js";
import { keepTyped, state } from "../state.js";

/**
 * Sign in without the camera: by a code in a message, or by the link in a letter.
 *
 * @param {{secret?: string, sent?: boolean}} options `secret`: of the link; `sent`: whether a code was sent
 * @returns {Promise<Page>}
 */
export async function code({ secret, sent = false }) {
  if (secret) return throughLink(secret);
  if (!state.who)
    return {
      title: t("code.title"),
      body: [button(t("find.next"), () => go("find", { then: "code" }), { kind: "main" })],
    };
  return sent ? enter() : ask();
}

/** @returns {Page} */
function ask() {
  return {
    title: t("code.title"),
    back: "find",
    body: [
      h("p", {}, t("code.text")),
      button(
        t("code.send"),
        async () => {
          await call("/v1/knock/codes", { json: { ...state.who, device_id: deviceId(), language: current() } });
          await go("code", { sent: true });
        },
        { kind: "main" },
      ),
      button(t("code.camera"), () => go("prepare"), { icon: "camera" }),
    ],
  };
}

/** @returns {Page} */
function enter() {
  const problem = h("p", { id: "problem", class: "error", role: "alert", hidden: true });
  const input = digitsField();
  const remember = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
  const form = h(
    "form",
    { novalidate: true },
    h("label", { for: "digits" }, t("code.label")),
    input,
    h("label", { class: "choice" }, remember, h("span", {}, t("code.remember"))),
    problem,
    button(t("code.open"), () => {}, { kind: "main", type: "submit" }),
  );
  submits(form, async () => {
    try {
      const json = {
        ...state.who,
        code: digitsIn(input),
        device_id: deviceId(),
        remember: remember.checked,
      };
      await call("/v1/knock/codes/redeem", { json });
      await signedIn(remember.checked);
    } catch (error) {
      if (!(error instanceof Problem && [401, 422].includes(error.status))) throw error;
      problem.textContent = t("code.error");
      problem.hidden = false;
      input.setAttribute("aria-invalid", "true");
      input.focus();
    }
  });
  return {
    title: t("code.label"),
    back: "code",
    body: [
      h("p", { role: "status" }, t("code.sent")),
      form,
      h("p", { class: "quiet" }, t("code.none")),
      button(t("code.camera"), () => go("prepare"), { icon: "camera" }),
    ],
  };
}

/**
 * Ask for the birth date before the link is used: a program that only opens links must not use them up.
 *
 * @param {string} secret @returns {Page}
 */
function throughLink(secret) {
  const problem = h("p", { id: "problem", class: "error", role: "alert", hidden: true });
  const birthday = birthDate();
  const remember = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
  const others = h(
    "div",
    { hidden: true },
    button(t("welcome.certify"), () => go("find", { then: "prepare" }), { icon: "camera" }),
    button(t("code.send"), () => go("find", { then: "code" })),
  );
  /** @param {string} text */
  const complain = (text) => {
    problem.textContent = text;
    problem.hidden = false;
    birthday.inputs[0].focus();
  };
  const form = h(
    "form",
    { novalidate: true },
    birthday.fields,
    h("label", { class: "choice" }, remember, h("span", {}, t("code.remember"))),
    problem,
    button(t("code.open"), () => {}, { kind: "main", type: "submit" }),
  );
  submits(form, async () => {
    birthday.clear();
    problem.hidden = true;
    const birth = birthday.value();
    if (!birth) return birthday.complain();
    try {
      const json = { secret, birth_date: birth, device_id: deviceId(), remember: remember.checked };
      await call("/v1/knock/links/redeem", { json });
      return await signedIn(remember.checked);
    } catch (error) {
      others.hidden = false;
      if (!(error instanceof Problem && error.status === 401)) throw error;
      return complain(t("link.error"));
    }
  });
  keepTyped(form, "link");
  return { title: t("link.title"), body: [h("p", {}, t("link.text")), form, others] };
}

/** @param {boolean} remember whether this is the person's own phone */
async function signedIn(remember) {
  keep("remembered", remember ? "1" : "0");
  state.signedIn = true;
  await go("status", {}, { replace: true });
}
