/** @import { Page } from "../pages.js" */
import { call, Problem } from "../api.js";
import { proceed } from "../confirmed.js";
import { recall } from "../device.js";
import { digitsField, digitsIn } from "../digits.js";
import { button, h, submits } from "../dom.js";
import { t } from "../i18n.js";
import { go } from "../pages.js";

/**
 * Ask for the code that goes to the telephone or e-mail that the fund knows.
 *
 * @param {{sent?: boolean}} options `sent`: whether the code was sent
 * @returns {Page}
 */
export function confirm({ sent = false }) {
  const problem = h("p", { id: "problem", class: "error", role: "alert", hidden: true });
  /** @param {string} text */
  const complain = (text) => {
    problem.textContent = text;
    problem.hidden = false;
  };
  return sent ? enter(problem, complain) : ask(problem, complain);
}

/** @param {HTMLElement} problem @param {(text: string) => void} complain @returns {Page} */
function ask(problem, complain) {
  return {
    title: t("confirm.title"),
    back: "status",
    body: [
      h("p", {}, t("confirm.text")),
      problem,
      button(
        t("code.send"),
        async () => {
          try {
            await call("/v1/me/codes", { method: "POST" });
            await go("confirm", { sent: true }, { replace: true });
          } catch (error) {
            if (!(error instanceof Problem && error.code === "no_contact")) throw error;
            complain(t("confirm.none"));
          }
        },
        { kind: "main" },
      ),
    ],
  };
}

/** @param {HTMLElement} problem @param {(text: string) => void} complain @returns {Page} */
function enter(problem, complain) {
  const input = digitsField();
  const form = h(
    "form",
    { novalidate: true },
    h("label", { for: "digits" }, t("code.label")),
    input,
    problem,
    button(t("confirm.go"), () => {}, { kind: "main", type: "submit" }),
  );
  submits(form, async () => {
    try {
      const code = digitsIn(input);
      await call("/v1/me/codes/redeem", { json: { code, remember: recall("remembered") === "1" } });
    } catch (error) {
      // Without a sign-in the answer is 401 as well; a wrong code has its own code.
      const mistyped = error instanceof Problem && (error.status === 422 || error.code === "access_refused");
      if (!mistyped) throw error;
      complain(t("code.error"));
      input.setAttribute("aria-invalid", "true");
      input.focus();
      return;
    }
    await proceed();
  });
  return { title: t("code.label"), back: "status", body: [h("p", { role: "status" }, t("confirm.sent")), form] };
}
