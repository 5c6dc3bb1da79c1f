// The key of the day's work. It lies in memory only, and wrapped on the tablet; unwrapped it is by the passkey (its PRF
// extension), or by a code that the agent chose at this sign-in. When the sign-in ends, it is gone, and with it all that
// was taken along. Sealed visits do not depend on it: nobody here can open those anyway.

import { join, utf8 } from "./bytes.js";
import { erase, read, within, write } from "./store.js";

/** Wrong codes in a row after which the day's work is deleted. */
export const MOST_TRIES = 5;
export const SHORTEST_CODE = 8;
/** Of PBKDF2 with SHA-256; OWASP's recommendation for passwords (2023). */
const ROUNDS = 600_000;

/** @type {CryptoKey | null} */
let key = null;

/** @typedef {{how: "prf" | "code" | "none", salt: Uint8Array<ArrayBuffer>, wrapped: ArrayBuffer | null, until: number, tries: number}} Lock */

export const isOpen = () => key !== null;

/** @returns {Promise<Lock | undefined>} */
export const lockOf = () => read("kv", "lock");

/**
 * Make a new key for this sign-in.
 * @param {number} until when the sign-in ends @param {{prf?: Uint8Array<ArrayBuffer>, code?: string}} by
 */
export async function makeKey(until, by) {
  await forget();
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]);
  const raw = await crypto.subtle.exportKey("raw", made);
  key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  const how = by.prf ? "prf" : by.code ? "code" : "none";
  const wrapper = by.prf || by.code ? await wrapperOf(salt, by) : null;
  const wrapped = wrapper ? await crypto.subtle.encrypt({ name: "AES-GCM", iv: salt.slice(0, 12) }, wrapper, raw) : null;
  await write("kv", "lock", /** @type {Lock} */ ({ how, salt, wrapped, until, tries: 0 }));
}

/**
 * Open the day's work again. A wrong code counts, and after too many nothing is left to open.
 * @param {{prf?: Uint8Array<ArrayBuffer>, code?: string}} by @returns {Promise<boolean>}
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
  await write("kv", "lock", { ...lock, tries: by.code ? lock.tries + 1 : lock.tries });
  try {
    const raw = await crypto.subtle.decrypt({ name: "AES-GCM", iv: lock.salt.slice(0, 12) }, await wrapperOf(lock.salt, by), lock.wrapped);
    key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  } catch {
    if (by.code && lock.tries + 1 >= MOST_TRIES) await forget();
    return false;
  }
  await write("kv", "lock", { ...lock, tries: 0 });
  return true;
}

/** Whether a sign-in goes on, with work that can be opened. */
export async function signedIn() {
  const lock = await lockOf();
  if (!lock) return false;
  if (Date.now() > lock.until) {
    await forget();
    return false;
  }
  return true;
}

/** Forget the key, the day's work and everything begun. Sealed visits stay until they are sent. */
export async function forget() {
  key = null;
  await within(["day", "drafts"], "readwrite", (at) => {
    at("day").clear();
    at("drafts").clear();
  });
  await erase("kv", "lock");
}

/** Close the work without ending the sign-in. */
export const shut = () => void (key = null);

/** @param {any} value @returns {Promise<{iv: Uint8Array<ArrayBuffer>, data: ArrayBuffer}>} */
export async function hide(value) {
  return await hideBytes(utf8(JSON.stringify(value)));
}

/** @param {BufferSource} bytes */
export async function hideBytes(bytes) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, present(), bytes) };
}

/** @param {{iv: Uint8Array<ArrayBuffer>, data: ArrayBuffer}} hidden */
export const showBytes = async (hidden) => new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: hidden.iv }, present(), hidden.data));

/** @param {{iv: Uint8Array<ArrayBuffer>, data: ArrayBuffer} | undefined} hidden @returns {Promise<any>} */
export const show = async (hidden) => (hidden ? JSON.parse(new TextDecoder().decode(await showBytes(hidden))) : undefined);

function present() {
  if (!key) throw new Error("the day's work is locked");
  return key;
}

/** @param {Uint8Array<ArrayBuffer>} salt @param {{prf?: Uint8Array<ArrayBuffer>, code?: string}} by */
async function wrapperOf(salt, by) {
  if (by.prf) {
    const base = await crypto.subtle.importKey("raw", by.prf, "HKDF", false, ["deriveKey"]);
    return await crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt, info: utf8("certify work") }, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  }
  const base = await crypto.subtle.importKey("raw", join(utf8(by.code ?? "")), "PBKDF2", false, ["deriveKey"]);
  return await crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}
