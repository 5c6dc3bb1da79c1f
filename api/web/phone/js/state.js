// What the pages of the person's app share while it is open. It is in memory only.

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
 * continues after a capture, if it is not the outcome.
 *
 * @type {{who: Who | null, helper: boolean, noFlash: boolean, signedIn: boolean, afterCapture: "appeal" | null}}
 */
export const state = {
  who: null,
  helper: false,
  noFlash: recall("noflash") === "1",
  signedIn: false,
  afterCapture: null,
};

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
