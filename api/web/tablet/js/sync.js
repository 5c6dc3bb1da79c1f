// Exchange with the service when there is a network: send sealed visits, ask for their results, fetch the next days.

import { call, NoNetwork, Problem } from "./api.js";
import { anchorAt } from "./clock.js";
import { head } from "./sealing.js";
import { all, keys, read, write, within } from "./store.js";
import { own } from "./tablet.js";
import { hide, isOpen, show } from "./work.js";

/**
 * What is known of a visit that was sent. `kept`: the service did not take it, so it stays on the tablet.
 *
 * @typedef {Omit<Service.ToldOut, "state"> & {state: Service.ToldOut["state"] | "kept"}} Told
 */

/**
 * How far a visit is: `sealed` while it is on the tablet, else what the service said.
 *
 * @typedef {{state: Told["state"] | "sealed", told?: Told}} State
 */

/**
 * The work that was fetched. `takenAt`: milliseconds since 1970. `retention`: days.
 *
 * @typedef {Pick<Service.DayOut, "stops"> & Partial<Pick<Service.DayOut, "day_codes" | "base">>
 *   & {takenAt: number, retention: number}} Day
 */

/** @type {Set<() => void>} */
const watchers = new Set();

/**
 * Listen to what is sent and received.
 *
 * @param {() => void} listener called after each change
 * @returns {() => void} call it to stop listening
 */
export function watch(listener) {
  watchers.add(listener);
  return () => void watchers.delete(listener);
}

const tell = () => watchers.forEach((listener) => listener());

/**
 * Count the sealed visits that the service does not have yet.
 *
 * @returns {Promise<number>}
 */
export const unsent = async () => (await keys("bundles")).length;

/** @type {Promise<{sent: number, left: number}> | null} */
let running = null;

/**
 * Send all sealed visits, the oldest first. One that was interrupted is sent again; while one round runs, others join
 * it.
 *
 * @returns {Promise<{sent: number, left: number}>}
 * @throws {NoNetwork} when the network is lost; the visits stay
 * @throws {Problem} when the service is busy or has failed; the visits stay
 */
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
    // It is deleted here only after the service has said that it has it.
    await within(["bundles", "told"], "readwrite", (at) => {
      at("bundles").delete(number);
      at("told").put(taken, bundle.visit);
    });
    sent += 1;
    tell();
  }
  return { sent, left: await unsent() };
}

/** @param {import("./store.js").Sealed} bundle @returns {Promise<Told | null>} null when it stays on the tablet */
async function deliver(bundle) {
  // Thirty seconds, and as long as its size needs on a network of 64 kbit/s.
  const patience = 30_000 + bundle.data.byteLength / 8;
  try {
    /** @type {Service.TakenOut} */
    const answer = await call(`/v1/tablet/bundles/${bundle.sha256}`, {
      method: "PUT",
      body: bundle.data,
      headers: { "Content-Type": "application/octet-stream", "X-Certify-Clock": String(Date.now()) },
      patience,
    });
    // The time is signed for the tablet that sealed the visit; since then this tablet may have been enrolled again.
    if (bundle.tablet === (await own())?.id) await anchorAt(answer.anchor);
    return answer.told;
  } catch (error) {
    // A visit that the service refuses now stays: it may take it later. A lost network ends the round.
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

/**
 * Ask for the results of the visits that were sent, and keep them.
 *
 * @returns {Promise<{waiting: number, missing: number[]}>} how many are not decided yet, and which places of the chain
 *   never arrived although later ones did
 * @throws {NoNetwork | Problem}
 */
export async function askWhatCame() {
  /** @type {Service.ToldList} */
  const answer = await call("/v1/tablet/told", { tries: 1 });
  await anchorAt(answer.anchor);
  // The newest comes first. Of two bundles of one visit the newer one counts, so it is written last; but a repeat of a
  // visit that was opened says nothing of the visit.
  const opened = new Set(answer.items.filter((told) => told.state !== "refused").map((told) => told.visit_id));
  for (const told of answer.items.reverse())
    if (!(told.reason === "visit_repeated" && opened.has(told.visit_id))) await write("told", told.visit_id, told);
  tell();
  return { waiting: answer.waiting, missing: answer.missing };
}

/**
 * Fetch the next days; they are not kept yet.
 *
 * @returns {Promise<Service.DayOut>}
 * @throws {NoNetwork | Problem}
 */
export async function askForDay() {
  /** @type {Service.DayOut} */
  const day = await call("/v1/tablet/day", { tries: 1 });
  await anchorAt(day.anchor);
  return day;
}

/**
 * Keep the next days in place of those before.
 *
 * @param {Service.DayOut} day
 */
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
  // The service knows a later link only if the tablet has lost its database; then the chain continues from that link.
  if (day.head.seq > here.seq) await write("kv", "head", day.head);
  tell();
}

/**
 * Return the work that was fetched.
 *
 * @returns {Promise<Day | undefined>} undefined when it is not open, or when nothing was fetched
 */
export const dayHere = async () => ((await isOpen()) ? await show("day", "now") : undefined);

/**
 * Return what is known of each visit, by its id.
 *
 * @returns {Promise<Map<string, State>>}
 */
export async function states() {
  /** @type {Map<string, State>} */
  const found = new Map();
  for (const told of /** @type {Told[]} */ (await all("told"))) found.set(told.visit_id, { state: told.state, told });
  for (const bundle of /** @type {import("./store.js").Sealed[]} */ (await all("bundles"))) {
    const known = found.get(bundle.visit);
    found.set(bundle.visit, { state: known?.state === "kept" ? "kept" : "sealed", told: known?.told });
  }
  return found;
}
