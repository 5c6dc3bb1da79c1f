// The key of the day's work. It lies in memory only, and wrapped on the tablet; unwrapped it is by the passkey (its PRF
// extension), or by a code that the agent chose at this sign-in. When the sign-in ends, it is gone, and with it all that
// was taken along. Sealed visits do not depend on it: nobody here can open those anyway.

import { join, utf8 } from "./bytes.js";
import { read, within, write } from "./store.js";

/** Wrong codes in a row after which the day's work is deleted. */
export const MOST_TRIES = 5;
export const SHORTEST_CODE = 8;
/** Of PBKDF2 with SHA-256; OWASP's recommendation for passwords (2023). */
const ROUNDS = 600_000;
/** How often an open page looks whether its time is over. */
const LOOK_MS = 60_000;

/**
 * The salt tells keys apart, and stays with its key: at the next sign-in the same wrapper wraps the same bytes again.
 * @typedef {{how: "prf" | "code" | "none", salt: Uint8Array<ArrayBuffer>, wrapped: ArrayBuffer | null, until: number, tries: number}} Lock
 * @typedef {{prf?: Uint8Array<ArrayBuffer>, code?: string}} By
 * @typedef {"day" | "drafts"} Hidden
 */

/** @type {{key: CryptoKey, salt: Uint8Array<ArrayBuffer>} | null} */
let held = null;
let whenShut = () => {};
/** To other open pages of this tablet: that the sign-in has changed. */
const pages = new BroadcastChannel("certify-work");

/** @returns {Promise<Lock | undefined>} */
export const lockOf = () => read("kv", "lock");

/**
 * Whether the work is open in this page. Another page may have signed out or in since, or the time of the sign-in be over:
 * then this page's key is dropped.
 */
export async function isOpen() {
  const mine = held;
  if (!mine) return false;
  if (isOf(await lockInForce(), mine)) return true;
  if (held === mine) held = null;
  whenShut();
  return false;
}

/** Look again and again whether the work is still open here. @param {() => void} then what to do when it is not */
export function watchWork(then) {
  whenShut = then;
  const look = () => void isOpen();
  pages.addEventListener("message", look);
  document.addEventListener("visibilitychange", look);
  setInterval(look, LOOK_MS);
}

/**
 * Begin a sign-in. Work that is open here, or that the same secret or code opens, goes on; what cannot be opened is
 * deleted.
 * @param {number} until when the sign-in ends @param {By} by
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
 * Open the day's work again. A wrong code counts, and after too many nothing is left to open.
 * @param {By} by @returns {Promise<boolean>}
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
  // Counted before it is tried: switching the tablet off in between gives nobody another guess.
  await renew(lock, { tries: by.code ? lock.tries + 1 : lock.tries });
  try {
    const raw = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: lock.salt.slice(0, 12) },
      await wrapperOf(lock.salt, by),
      lock.wrapped,
    );
    // A script can read it out, for it is wrapped anew at the next sign-in; whoever runs scripts here can use it anyway.
    held = { key: await crypto.subtle.importKey("raw", raw, "AES-GCM", true, ["encrypt", "decrypt"]), salt: lock.salt };
  } catch {
    if (by.code && lock.tries + 1 >= MOST_TRIES) await forget();
    return false;
  }
  await renew(lock, { tries: 0 });
  return true;
}

/** Change a lock, unless another page has signed out or anew since it was read. @param {Lock} lock @param {Partial<Lock>} change */
const renew = (lock, change) =>
  within(["kv"], "readwrite", (at) => {
    const now = at("kv").get("lock");
    now.onsuccess = () => {
      if (isOf(now.result, lock)) at("kv").put({ ...now.result, ...change }, "lock");
    };
  });

/** Whether a sign-in goes on, with work that can be opened. */
export const signedIn = async () => (await lockInForce()) !== undefined;

/** The lock of a sign-in that goes on; one whose time is over is forgotten, with the work. */
async function lockInForce() {
  const lock = await lockOf();
  if (!lock || Date.now() <= lock.until) return lock;
  await forget();
  return undefined;
}

/** Forget the key, the day's work and everything begun. Sealed visits stay until they are sent. */
export async function forget() {
  held = null;
  await within(["day", "drafts", "kv"], "readwrite", (at) => {
    at("day").clear();
    at("drafts").clear();
    at("kv").delete("lock");
  });
  pages.postMessage(null);
}

/** Close the work without ending the sign-in. */
export const shut = () => void (held = null);

/** @param {Hidden} store @param {string} name @param {any} value */
export const hide = (store, name, value) => hideBytes(store, name, utf8(JSON.stringify(value)));

/** Keep something, encrypted. @param {Hidden} store @param {string} name @param {BufferSource} bytes */
export async function hideBytes(store, name, bytes) {
  const mine = await present();
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, mine.key, bytes);
  // Looked at in the same step: what another page's sign-in has deleted shall not come back under a key that is gone.
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

/** @param {Hidden} store @param {string} name */
export async function showBytes(store, name) {
  const hidden = await read(store, name);
  if (!hidden) return undefined;
  const { key } = await present();
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: hidden.iv }, key, hidden.data));
}

/** @param {Hidden} store @param {string} name @returns {Promise<any>} */
export async function show(store, name) {
  const bytes = await showBytes(store, name);
  return bytes && JSON.parse(new TextDecoder().decode(bytes));
}

async function present() {
  const mine = held;
  if (!mine || !(await isOpen())) throw new Error("the day's work is locked");
  return mine;
}

/** @param {Lock | undefined} lock @param {{salt: Uint8Array}} mine */
const isOf = (lock, mine) => lock !== undefined && lock.salt.every((byte, place) => byte === mine.salt[place]);

/** @param {Uint8Array<ArrayBuffer>} salt @param {By} by */
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
