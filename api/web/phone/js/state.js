// What the pages of the person's app share. It outlives a reload, in this tab only, and is gone when the tab closes.

import { call } from "./api.js";
import { recall } from "./device.js";

/**
 * What a person entered to be found: one of the two numbers, and the birth date.
 *
 * @typedef {{national_id?: string, card_number?: string, birth_date: string}} Who
 */

/**
 * A capture session, and the token that opens it and nothing else.
 *
 * @typedef {{id: string, token: string}} Capture
 */

/**
 * `helper`: another person holds the phone. `noFlash`: no colours on the screen. `afterCapture`: the page that
 * continues after a capture, if it is not the outcome. `last`: the capture whose outcome can be seen again. `typed`:
 * what was entered and not sent yet, by form and field.
 *
 * @typedef {object} State
 * @property {Who | null} who
 * @property {boolean} helper
 * @property {boolean} noFlash
 * @property {boolean} signedIn
 * @property {"appeal" | null} afterCapture
 * @property {Capture | null} last
 * @property {boolean} knownPhone the key of this phone stands for number and birth date
 * @property {Record<string, Record<string, string | boolean>>} typed
 */

const NAME = "certify.tab";
/** A tab that no one used for so long may be in other hands. */
const KEPT_MS = 3_600_000;

/** @returns {State} */
const empty = () => ({
  who: null,
  helper: false,
  noFlash: recall("noflash") === "1",
  signedIn: false,
  afterCapture: null,
  last: null,
  knownPhone: false,
  typed: {},
});

/** @returns {Partial<State>} */
function kept() {
  try {
    const { at, ...found } = JSON.parse(sessionStorage.getItem(NAME) ?? "{}");
    return Date.now() - at < KEPT_MS ? found : {};
  } catch {
    return {};
  }
}

/** What the pages share: whatever is set here is kept in this tab. @type {State} */
export const state = new Proxy(
  { ...empty(), ...kept() },
  {
    set(all, name, value) {
      Object.assign(all, { [name]: value });
      try {
        sessionStorage.setItem(NAME, JSON.stringify({ ...all, at: Date.now() }));
      } catch {
        // The browser stores nothing: it lives as long as the page.
      }
      return true;
    },
  },
);

/** Forget all of it, for the next person at a shared phone. */
export function forgetTab() {
  Object.assign(state, empty());
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // Nothing was stored.
  }
}

/**
 * Fill a form with what was typed into it before, and keep what is typed from now on.
 *
 * @param {HTMLElement} form fields with an id are kept; codes and passwords are not
 * @param {string} name of the form
 * @returns {() => void} forgets what was typed, once it was sent
 */
export function keepTyped(form, name) {
  const fields = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[id], select[id]"));
  const typed = { ...state.typed[name] };
  for (const field of fields) {
    if (["password", "file"].includes(field.type) || field.autocomplete === "one-time-code") continue;
    const ticked = ["checkbox", "radio"].includes(field.type);
    const before = typed[field.id];
    if (ticked && before !== undefined) field.checked = before === true;
    else if (typeof before === "string") field.value = before;
    field.addEventListener("input", () => {
      if (field.type === "radio") for (const each of fields) if (each.name === field.name) delete typed[each.id];
      typed[field.id] = ticked ? field.checked : field.value;
      state.typed = { ...state.typed, [name]: { ...typed } };
    });
  }
  return () => {
    state.typed = Object.fromEntries(Object.entries(state.typed).filter(([key]) => key !== name));
  };
}

/**
 * Ask the service for the person's own page; when the answer comes, the person is signed in.
 *
 * @returns {Promise<Service.OwnPageOut>}
 * @throws {Problem} when the person is not signed in (status 401)
 */
export async function ownPage() {
  const page = await call("/v1/me", { tries: 1 });
  state.signedIn = true;
  return page;
}
