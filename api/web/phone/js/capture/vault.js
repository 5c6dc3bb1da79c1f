// Recordings stay on the phone, through reloads and lost networks, until they have arrived at the service.

import { keep } from "../device.js";

/**
 * A recording.
 *
 * @typedef {object} Kept
 * @property {string} sessionId
 * @property {string} token of the session
 * @property {Blob} blob
 * @property {string} type media type
 * @property {object | null} camera what is reported about it; null for a file that the person chose
 * @property {number} at when it was made, in milliseconds since 1970
 * @property {string} expiresAt when the session expires
 * @property {boolean} [safe] whether it outlives this page: not where the browser has no room
 */

const STORE = "recordings";
const DAY_MS = 86_400_000;
/** @type {Map<string, Kept>} For browsers that store nothing. */
const memory = new Map();

/** @returns {Promise<IDBDatabase | null>} null when the browser stores nothing */
function open() {
  return new Promise((resolve) => {
    if (!("indexedDB" in window)) return resolve(null);
    const asked = indexedDB.open("certify", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "sessionId" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => resolve(null);
  });
}

/**
 * Do something in one transaction.
 *
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T | undefined>} undefined when the browser stores nothing
 */
async function within(mode, work) {
  const base = await open();
  if (!base) return undefined;
  return await new Promise((resolve) => {
    const step = base.transaction(STORE, mode);
    const asked = work(step.objectStore(STORE));
    step.oncomplete = () => resolve(asked.result);
    step.onerror = step.onabort = () => resolve(undefined);
  })
    .catch(() => undefined)
    .finally(() => base.close());
}

/**
 * Keep a recording on this phone.
 *
 * @param {Kept} kept
 */
export async function store(kept) {
  keep("pending", "1");
  const safe = (await within("readwrite", (all) => all.put({ ...kept, safe: true }))) !== undefined;
  memory.set(kept.sessionId, { ...kept, safe });
}

/**
 * Return the recording of a session.
 *
 * @param {string} sessionId
 * @returns {Promise<Kept | undefined>} undefined when this phone has none
 */
export async function fetchKept(sessionId) {
  return memory.get(sessionId) ?? (await within("readonly", (all) => all.get(sessionId)));
}

/**
 * Return a recording that still has to be sent, and delete those older than a day.
 *
 * @returns {Promise<Kept | null>} null when there is none
 */
export async function pending() {
  const all = /** @type {Kept[]} */ ((await within("readonly", (each) => each.getAll())) ?? [...memory.values()]);
  for (const each of all.filter((kept) => Date.now() - kept.at > DAY_MS)) await drop(each.sessionId);
  const left = all.filter((kept) => Date.now() - kept.at <= DAY_MS);
  if (!left.length) keep("pending", "0");
  return left[0] ?? null;
}

/**
 * Delete the recording of a session.
 *
 * @param {string} sessionId
 */
export async function drop(sessionId) {
  memory.delete(sessionId);
  await within("readwrite", (all) => all.delete(sessionId));
  const left = (await within("readonly", (all) => all.count())) ?? memory.size;
  if (!left) keep("pending", "0");
}

/** Delete all recordings on this phone, with the tokens of their sessions. */
export async function dropAll() {
  memory.clear();
  await within("readwrite", (all) => all.clear());
  keep("pending", "0");
}
