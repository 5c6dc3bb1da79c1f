/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { birthDate } from "../birth.js";
import { deviceId, keep } from "../device.js";
import { digitsField, digitsIn } from "../digits.js";
import { button, h } from "../dom.js";
import { current, t } from "../i18n.js";
import { go, sayProblem } from "../pages.js";
import { state } from "../state.js";

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
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  return {
    title: t("code.title"),
    back: "find",
    body: [
      h("p", {}, t("code.text")),
      problem,
      button(
        t("code.send"),
        async () => {
          try {
            await call("/v1/knock/codes", { json: { ...state.who, device_id: deviceId(), language: current() } });
            await go("code", { sent: true });
          } catch (error) {
            problem.textContent = sayProblem(error);
            problem.hidden = false;
          }
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
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
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
      const mistyped = error instanceof Problem && [401, 422].includes(error.status);
      problem.textContent = mistyped ? t("code.error") : sayProblem(error);
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
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const birth = birthday.value();
    if (!birth) return complain(t("find.error.date"));
    try {
      const json = { secret, birth_date: birth, device_id: deviceId(), remember: remember.checked };
      await call("/v1/knock/links/redeem", { json });
      return await signedIn(remember.checked);
    } catch (error) {
      others.hidden = false;
      return complain(error instanceof Problem && error.status === 401 ? t("link.error") : sayProblem(error));
    }
  });
  return { title: t("link.title"), body: [h("p", {}, t("link.text")), form, others] };
}

/** @param {boolean} remember whether this is the person's own phone */
async function signedIn(remember) {
  keep("remembered", remember ? "1" : "0");
  state.signedIn = true;
  await go("status", {}, { replace: true });
}
