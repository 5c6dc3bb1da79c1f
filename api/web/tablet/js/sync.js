// Speaking with the service when there is a network: send what is sealed, ask what came of it, take the next days along.

import { call, NoNetwork, Problem } from "./api.js";
import { anchorAt } from "./clock.js";
import { head } from "./sealing.js";
import { all, keys, read, write, within } from "./store.js";
import { own } from "./tablet.js";
import { hide, isOpen, show } from "./work.js";

/** @typedef {{sha256: string, visit_id: string, seq: number, state: string, reason: string | null, result: string | null, outcome: string | null, guidance: string[]}} Told */

/** @type {Set<() => void>} */
const watchers = new Set();

/** Be told whenever something was sent or came. @param {() => void} listener */
export function watch(listener) {
  watchers.add(listener);
  return () => void watchers.delete(listener);
}

const tell = () => watchers.forEach((listener) => listener());

/** How many visits are still here. @returns {Promise<number>} */
export const unsent = async () => (await keys("bundles")).length;

/** @type {Promise<{sent: number, left: number}> | null} */
let running = null;

/** Send everything that is sealed, the oldest first; what was cut off goes on with the same visit. */
export function sendAll() {
  const round = running ?? locked();
  running = round;
  return round;
}

async function locked() {
  try {
    return await navigator.locks.request("certify-sync", send);
  } finally {
    running = null;
  }
}

async function send() {
  let sent = 0;
  for (const number of await keys("bundles")) {
    const bundle = /** @type {import("./store.js").Sealed | undefined} */ (await read("bundles", number));
    if (!bundle) continue;
    const taken = await deliver(bundle);
    if (!taken) continue;
    // Only now that the service says so is it gone from here.
    await within(["bundles", "told"], "readwrite", (at) => {
      at("bundles").delete(number);
      at("told").put(taken, bundle.visit);
    });
    sent += 1;
    tell();
  }
  return { sent, left: await unsent() };
}

/** @param {import("./store.js").Sealed} bundle @returns {Promise<Told | null>} */
async function deliver(bundle) {
  // Thirty seconds, and as long as its size needs on a network of 64 kbit/s.
  const patience = 30_000 + bundle.data.byteLength / 8;
  try {
    const answer = await call(`/v1/tablet/bundles/${bundle.sha256}`, {
      method: "PUT",
      body: bundle.data,
      headers: { "Content-Type": "application/octet-stream", "X-Certify-Clock": String(Date.now()) },
      patience,
    });
    // The time is signed for the tablet that sealed it, which this one was before it was enrolled anew.
    if (bundle.tablet === (await own())?.id) await anchorAt(answer.anchor);
    return answer.told;
  } catch (error) {
    // What the service will not take now it may take later; it stays. No network ends the whole round.
    if (error instanceof NoNetwork || (error instanceof Problem && (error.status === 429 || error.status >= 500)))
      throw error;
    if (error instanceof Problem) {
      await write("told", bundle.visit, {
        sha256: bundle.sha256,
        visit_id: bundle.visit,
        seq: bundle.seq,
        state: "kept",
        reason: error.code,
        result: null,
        outcome: null,
        guidance: [],
      });
      return null;
    }
    throw error;
  }
}

/** Ask what came of visits. @returns {Promise<{waiting: number, missing: number[]}>} */
export async function askWhatCame() {
  const answer = await call("/v1/tablet/told", { tries: 1 });
  await anchorAt(answer.anchor);
  // They come newest first; of two bundles of one visit the newer one counts, so it is written last.
  for (const told of answer.items.reverse()) await write("told", told.visit_id, told);
  tell();
  return { waiting: answer.waiting, missing: answer.missing };
}

/** Ask for the next days. Until they are kept, nothing here changes but the time. */
export async function askForDay() {
  const day = await call("/v1/tablet/day", { tries: 1 });
  await anchorAt(day.anchor);
  return day;
}

/** Take the next days along. @param {any} day as the service sent it */
export async function keepDay(day) {
  await hide("day", "now", {
    stops: day.stops,
    day_codes: day.day_codes,
    base: day.base,
    takenAt: Date.now(),
    retention: day.retention_days,
  });
  await write("kv", "serviceKey", day.key);
  const here = await head();
  // The service knows a later link only when this tablet's memory was lost; then the chain goes on from there.
  if (day.head.seq > here.seq) await write("kv", "head", day.head);
  tell();
}

/** @typedef {{visit_id: string, person_id: string, planned_on: string, place: number | null, part: string | null, name: string, card_masked: string | null, national_id_masked: string, birth_year: number | null, needs: string[], address: string, directions: string, latitude: number | null, longitude: number | null, numbers: string[], door: string, door_code: string, reason: string, tries: number}} Stop */

/** The work that was taken along. @returns {Promise<{stops: Stop[], day_codes?: Record<string, string>, base?: {latitude: number, longitude: number} | null, takenAt: number, retention: number} | undefined>} */
export const dayHere = async () => ((await isOpen()) ? await show("day", "now") : undefined);

/** What is known of each visit: "sealed" while it is here, else what the service said. @returns {Promise<Map<string, {state: string, told?: Told}>>} */
export async function states() {
  /** @type {Map<string, {state: string, told?: Told}>} */
  const found = new Map();
  for (const told of /** @type {Told[]} */ (await all("told"))) found.set(told.visit_id, { state: told.state, told });
  for (const bundle of /** @type {import("./store.js").Sealed[]} */ (await all("bundles"))) {
    const known = found.get(bundle.visit);
    found.set(bundle.visit, { state: known?.state === "kept" ? "kept" : "sealed", told: known?.told });
  }
  return found;
}
