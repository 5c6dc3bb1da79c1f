/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { deviceId, keep } from "../device.js";
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
            await call("/v1/knock/codes", { json: { ...state.who, language: current() } });
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
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "digits",
      class: "number",
      type: "text",
      inputmode: "numeric",
      autocomplete: "one-time-code",
      maxlength: "8",
      required: true,
      "aria-describedby": "problem",
    })
  );
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
        code: input.value.normalize("NFKC").replace(/\D/g, ""),
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

/** @param {string} secret @returns {Promise<Page>} */
async function throughLink(secret) {
  try {
    // A letter lies at home: the person who opens it there may stay signed in.
    await call("/v1/knock/links/redeem", { json: { secret, device_id: deviceId(), remember: true } });
    keep("remembered", "1");
    state.signedIn = true;
    const { status } = await import("./status.js");
    return await status();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return {
      title: t("link.error.title"),
      body: [
        h("p", {}, error.status === 401 ? t("link.error") : sayProblem(error)),
        button(t("welcome.certify"), () => go("find", { then: "prepare" }), { kind: "main", icon: "camera" }),
        button(t("code.send"), () => go("find", { then: "code" })),
      ],
    };
  }
}

/** @param {boolean} remember whether this is the person's own phone */
async function signedIn(remember) {
  keep("remembered", remember ? "1" : "0");
  state.signedIn = true;
  await go("status", {}, { replace: true });
}
