// What the pages of the person's app share while it is open. It is in memory only.

import { call } from "./api.js";
import { recall } from "./device.js";

/**
 * @typedef {{national_id?: string, card_number?: string, birth_date: string}} Who
 * @type {{who: Who | null, helper: boolean, noFlash: boolean, signedIn: boolean, afterCapture: string | null}}
 */
export const state = {
  who: null,
  helper: false,
  noFlash: recall("noflash") === "1",
  signedIn: false,
  afterCapture: null,
};

/** Ask the service for the person's own page, which also tells whether the person is signed in. */
export async function ownPage() {
  const page = await call("/v1/me", { tries: 1 });
  state.signedIn = true;
  return page;
}
