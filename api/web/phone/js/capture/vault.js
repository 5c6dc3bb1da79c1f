// Recordings that have not arrived yet are kept on the phone, through reloads and lost networks, until they have.

import { keep } from "../device.js";

/** @typedef {{sessionId: string, token: string, blob: Blob, type: string, camera: any, at: number, expiresAt: string}} Kept */

const STORE = "recordings";
const DAY_MS = 86_400_000;
/** @type {Map<string, Kept>} Where the browser keeps nothing. */
const memory = new Map();

/** @returns {Promise<IDBDatabase | null>} */
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
 * @template T
 * @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T | undefined>}
 */
async function within(mode, work) {
  const base = await open();
  if (!base) return undefined;
  return await new Promise((resolve) => {
    const step = base.transaction(STORE, mode);
    const asked = work(step.objectStore(STORE));
    step.oncomplete = () => resolve(asked.result);
    step.onerror = step.onabort = () => resolve(undefined);
  }).finally(() => base.close());
}

/** @param {Kept} kept */
export async function store(kept) {
  memory.set(kept.sessionId, kept);
  keep("pending", "1");
  await within("readwrite", (all) => all.put(kept));
}

/** @param {string} sessionId @returns {Promise<Kept | undefined>} */
export async function fetchKept(sessionId) {
  return memory.get(sessionId) ?? (await within("readonly", (all) => all.get(sessionId)));
}

/** The recording that still has to be sent, if there is one. @returns {Promise<Kept | null>} */
export async function pending() {
  const all = /** @type {Kept[]} */ ((await within("readonly", (each) => each.getAll())) ?? [...memory.values()]);
  for (const each of all.filter((kept) => Date.now() - kept.at > DAY_MS)) await drop(each.sessionId);
  const left = all.filter((kept) => Date.now() - kept.at <= DAY_MS);
  if (!left.length) keep("pending", "0");
  return left[0] ?? null;
}

/** @param {string} sessionId */
export async function drop(sessionId) {
  memory.delete(sessionId);
  await within("readwrite", (all) => all.delete(sessionId));
  const left = (await within("readonly", (all) => all.count())) ?? memory.size;
  if (!left) keep("pending", "0");
}
