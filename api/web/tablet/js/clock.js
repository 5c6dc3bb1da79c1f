// The tablet's clocks, and the last time that the service signed: together they say when a visit was.

import { read, write } from "./store.js";
import { newKey } from "./api.js";

/** Chosen anew whenever the page is opened: steady clocks of different pages have nothing in common. */
const PAGE = newKey();

/**
 * A time that the service signed, with the tablet's clocks when it came.
 * @typedef {{anchor: string, anchored: ReturnType<typeof stamp>}} Anchor
 * @typedef {{anchor?: Anchor, began: ReturnType<typeof stamp>}} Start
 */

/** A reading of both clocks. */
export const stamp = () => ({ wall_ms: Date.now(), steady_ms: performance.now(), page: PAGE });

/** Keep a time that the service signed just now. @param {string} anchor */
export async function anchorAt(anchor) {
  if (anchor) await write("kv", "anchor", { anchor, anchored: stamp() });
}

/** @returns {Promise<Anchor | undefined>} */
export const lastAnchor = () => read("kv", "anchor");

/**
 * The beginning of a visit, with the last time that was signed before it: one that is signed during the visit would be
 * later than its beginning, as if the clock had been moved.
 * @returns {Promise<Start>}
 */
export async function start() {
  const anchor = await lastAnchor();
  return { anchor, began: stamp() };
}

/** Today, where the tablet is. */
export function today() {
  const now = new Date();
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
