// The tablet's two clocks, and the last time that the service signed: together they tell when a visit was made.

import { read, write } from "./store.js";
import { newKey } from "./api.js";

/** Drawn when the page is opened: the steady clocks of two pages begin at different moments. */
const PAGE = newKey();

/**
 * A reading of both clocks: `wall_ms` since 1970, which anyone can set; `steady_ms` since the page was opened.
 *
 * @typedef {{wall_ms: number, steady_ms: number, page: string}} Stamp
 */

/**
 * A time that the service signed, with a reading of the tablet's clocks when it came.
 *
 * @typedef {{anchor: string, anchored: Stamp}} Anchor
 */

/**
 * The beginning of a visit, with the last time that was signed before it.
 *
 * @typedef {{anchor?: Anchor, began: Stamp}} Start
 */

/**
 * Read both clocks.
 *
 * @returns {Stamp}
 */
export const stamp = () => ({ wall_ms: Date.now(), steady_ms: performance.now(), page: PAGE });

/**
 * Keep a time that the service signed just now.
 *
 * @param {string} anchor an empty one is not kept
 */
export async function anchorAt(anchor) {
  if (anchor) await write("kv", "anchor", { anchor, anchored: stamp() });
}

/**
 * Return the last time that the service signed.
 *
 * @returns {Promise<Anchor | undefined>} undefined on a tablet that has none yet
 */
export const lastAnchor = () => read("kv", "anchor");

/**
 * Begin a visit. The signed time is taken now: one that is signed during the visit would be later than the beginning,
 * as if the clock had been moved.
 *
 * @returns {Promise<Start>}
 */
export async function start() {
  const anchor = await lastAnchor();
  return { anchor, began: stamp() };
}

/**
 * Return today's date in the time zone of the tablet.
 *
 * @returns {string} ISO 8601
 */
export function today() {
  const now = new Date();
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
