// Changes that need a code: the page asks for one, and continues afterwards with what the person wanted to do.

import { Problem } from "./api.js";
import { go } from "./pages.js";

/** What the person wants to do once the code is entered; null when nothing waits. @type {(() => unknown) | null} */
let waiting = null;

/**
 * Do something that the service may allow only after a code; if so, ask for the code and do it then.
 *
 * @param {() => unknown} action what to do, with the page that it ends on
 * @throws {Error} any error but the missing code
 */
export async function withCode(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "possession_required") throw error;
    waiting = action;
    await go("confirm");
  }
}

/** Continue with what waited for the code. */
export async function proceed() {
  const action = waiting;
  waiting = null;
  if (action) await action();
  else await go("status", {}, { replace: true });
}
