// The key that encrypts the day's work. It is in memory, and wrapped in the database. The passkey (its PRF extension)
// unwraps it, or a code that the agent chose at the sign-in. When the sign-in ends, the key is deleted, and with it the
// work that was fetched. Sealed visits do not depend on it.

/** @import { Bytes } from "./bytes.js" */
import { join, utf8 } from "./bytes.js";
import { read, within, write } from "./store.js";

/** Wrong codes in a row after which the day's work is deleted. */
export const MOST_TRIES = 5;
/** Fewest characters of a code. */
export const SHORTEST_CODE = 8;
/** Iterations of PBKDF2 with SHA-256: what OWASP recommends for passwords (2023). */
const ROUNDS = 600_000;
/** How often an open page checks whether its sign-in has ended. */
const LOOK_MS = 60_000;

/**
 * The lock of a sign-in.
 *
 * @typedef {object} Lock
 * @property {"prf" | "code" | "none"} how what unwraps the key
 * @property {Bytes} salt tells keys apart. It stays the same with its key, so that a later sign-in by the same passkey
 *   or code wraps the same bytes with the same wrapper
 * @property {ArrayBuffer | null} wrapped the key
 * @property {number} until when the sign-in ends, in milliseconds since 1970
 * @property {number} tries wrong codes in a row
 */

/** @typedef {{prf?: Bytes, code?: string}} By what unwraps the key: the passkey's secret, or a code */
/** @typedef {"day" | "drafts"} Hidden a store whose values are encrypted */

/** @type {{key: CryptoKey, salt: Bytes} | null} */
let held = null;
let whenShut = () => {};
/** Tells other open pages of this tablet that the sign-in has changed. */
const pages = new BroadcastChannel("certify-work");

/**
 * Return the lock of the last sign-in, which may have ended.
 *
 * @returns {Promise<Lock | undefined>}
 */
export const lockOf = () => read("kv", "lock");

/**
 * Tell whether the work is open in this page. If another page has signed out or in since, or if the sign-in has ended,
 * this page drops its key.
 *
 * @returns {Promise<boolean>}
 */
export async function isOpen() {
  const mine = held;
  if (!mine) return false;
  if (isOf(await lockInForce(), mine)) return true;
  if (held === mine) held = null;
  whenShut();
  return false;
}

/**
 * Check from now on whether the work is still open here.
 *
 * @param {() => void} then called when it is not
 */
export function watchWork(then) {
  whenShut = then;
  const look = () => void isOpen();
  pages.addEventListener("message", look);
  document.addEventListener("visibilitychange", look);
  setInterval(look, LOOK_MS);
}

/**
 * Begin a sign-in. Work that is open here, or that the same secret or code opens, is kept; other work is deleted.
 *
 * @param {number} until when the sign-in ends, in milliseconds since 1970
 * @param {By} by
 */
export async function beginWork(until, by) {
  if (!(await isOpen())) await unlock(by);
  if (!held) await forget();
  const now = held ?? {
    key: await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]),
    salt: crypto.getRandomValues(new Uint8Array(16)),
  };
  const how = by.prf ? "prf" : by.code ? "code" : "none";
  const wrapper = by.prf || by.code ? await wrapperOf(now.salt, by) : null;
  const raw = await crypto.subtle.exportKey("raw", now.key);
  const wrapped = wrapper
    ? await crypto.subtle.encrypt({ name: "AES-GCM", iv: now.salt.slice(0, 12) }, wrapper, raw)
    : null;
  await write("kv", "lock", /** @type {Lock} */ ({ how, salt: now.salt, wrapped, until, tries: 0 }));
  held = now;
  pages.postMessage(null);
}

/**
 * Open the day's work again. After `MOST_TRIES` wrong codes in a row the work is deleted.
 *
 * @param {By} by
 * @returns {Promise<boolean>} whether it is open
 */
export async function unlock(by) {
  const lock = await lockOf();
  if (!lock?.wrapped || Date.now() > lock.until) {
    await forget();
    return false;
  }
  if (lock.tries >= MOST_TRIES) {
    await forget();
    return false;
  }
  // The try is counted before it is made, so that switching the tablet off in between gives no further guess.
  await renew(lock, { tries: by.code ? lock.tries + 1 : lock.tries });
  try {
    const raw = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: lock.salt.slice(0, 12) },
      await wrapperOf(lock.salt, by),
      lock.wrapped,
    );
    // The key can be exported, because the next sign-in wraps it again. A script in this page could use it anyway.
    held = { key: await crypto.subtle.importKey("raw", raw, "AES-GCM", true, ["encrypt", "decrypt"]), salt: lock.salt };
  } catch {
    if (by.code && lock.tries + 1 >= MOST_TRIES) await forget();
    return false;
  }
  await renew(lock, { tries: 0 });
  return true;
}

/**
 * Change a lock, unless another page has signed out or in since it was read.
 *
 * @param {Lock} lock
 * @param {Partial<Lock>} change
 */
const renew = (lock, change) =>
  within(["kv"], "readwrite", (at) => {
    const now = at("kv").get("lock");
    now.onsuccess = () => {
      if (isOf(now.result, lock)) at("kv").put({ ...now.result, ...change }, "lock");
    };
  });

/**
 * Tell whether a sign-in has not ended yet.
 *
 * @returns {Promise<boolean>}
 */
export const signedIn = async () => (await lockInForce()) !== undefined;

/** Return the lock of a sign-in that has not ended; if it has, the lock is deleted with the work. */
async function lockInForce() {
  const lock = await lockOf();
  if (!lock || Date.now() <= lock.until) return lock;
  await forget();
  return undefined;
}

/** Delete the key, the day's work and all drafts. Sealed visits stay until they are sent. */
export async function forget() {
  held = null;
  await within(["day", "drafts", "kv"], "readwrite", (at) => {
    at("day").clear();
    at("drafts").clear();
    at("kv").delete("lock");
  });
  pages.postMessage(null);
}

/** Lock the work without ending the sign-in. */
export const shut = () => void (held = null);

/**
 * Keep a value, encrypted.
 *
 * @param {Hidden} store
 * @param {string} name
 * @param {unknown} value is stored as JSON
 * @throws {Error} when the work is locked
 */
export const hide = (store, name, value) => hideBytes(store, name, utf8(JSON.stringify(value)));

/**
 * Keep bytes, encrypted.
 *
 * @param {Hidden} store
 * @param {string} name
 * @param {BufferSource} bytes
 * @throws {Error} when the work is locked
 */
export async function hideBytes(store, name, bytes) {
  const mine = await present();
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, mine.key, bytes);
  // Checked in the same transaction: what another page has deleted must not come back under a key that is deleted.
  let kept = false;
  await within([store, "kv"], "readwrite", (at) => {
    const lock = at("kv").get("lock");
    lock.onsuccess = () => {
      kept = isOf(lock.result, mine);
      if (kept) at(store).put({ iv, data }, name);
    };
  });
  if (!kept) throw new Error("the day's work is locked");
}

/**
 * Decrypt bytes.
 *
 * @param {Hidden} store
 * @param {string} name
 * @returns {Promise<Bytes | undefined>} undefined when there are none
 * @throws {Error} when the work is locked
 */
export async function showBytes(store, name) {
  const hidden = await read(store, name);
  if (!hidden) return undefined;
  const { key } = await present();
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: hidden.iv }, key, hidden.data));
}

/**
 * Decrypt a value.
 *
 * @param {Hidden} store
 * @param {string} name
 * @returns {Promise<any>} undefined when there is none
 * @throws {Error} when the work is locked
 */
export async function show(store, name) {
  const bytes = await showBytes(store, name);
  return bytes && JSON.parse(new TextDecoder().decode(bytes));
}

/** Return the key. @throws {Error} when the work is locked */
async function present() {
  const mine = held;
  if (!mine || !(await isOpen())) throw new Error("the day's work is locked");
  return mine;
}

/** Tell whether a lock is that of a key. @param {Lock | undefined} lock @param {{salt: Uint8Array}} mine */
const isOf = (lock, mine) => lock !== undefined && lock.salt.every((byte, place) => byte === mine.salt[place]);

/** Derive the key that wraps the key. @param {Bytes} salt @param {By} by */
async function wrapperOf(salt, by) {
  if (by.prf) {
    const base = await crypto.subtle.importKey("raw", by.prf, "HKDF", false, ["deriveKey"]);
    return await crypto.subtle.deriveKey(
      { name: "HKDF", hash: "SHA-256", salt, info: utf8("certify work") },
      base,
      { name: "AES-GCM", length: 256 },
      false,
      ["encrypt", "decrypt"],
    );
  }
  const base = await crypto.subtle.importKey("raw", join(utf8(by.code ?? "")), "PBKDF2", false, ["deriveKey"]);
  return await crypto.subtle.deriveKey(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS },
    base,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}
