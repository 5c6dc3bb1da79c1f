// Convert between bytes and texts.

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * Encode a text as UTF-8.
 *
 * @param {string} text
 * @returns {Bytes}
 */
export const utf8 = (text) => /** @type {Bytes} */ (new TextEncoder().encode(text));

/**
 * Join bytes, one part behind the other.
 *
 * @param {...(Uint8Array | ArrayBuffer)} parts
 * @returns {Bytes}
 */
export function join(...parts) {
  const lists = parts.map((part) => (part instanceof Uint8Array ? part : new Uint8Array(part)));
  const whole = new Uint8Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    whole.set(list, at);
    at += list.length;
  }
  return whole;
}

/**
 * Encode a number as four bytes, big-endian.
 *
 * @param {number} value 0 to 2^32 - 1
 * @returns {Bytes}
 */
export function u32(value) {
  const made = new Uint8Array(4);
  new DataView(made.buffer).setUint32(0, value);
  return made;
}

/**
 * Write bytes in hexadecimal digits.
 *
 * @param {ArrayBuffer | Uint8Array} data
 * @returns {string}
 */
export const hex = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * Return the SHA-256 in hexadecimal digits.
 *
 * @param {BufferSource} data
 * @returns {Promise<string>}
 */
export const sha256 = async (data) => hex(await crypto.subtle.digest("SHA-256", data));

/**
 * Encode bytes as base64url, without padding.
 *
 * @param {ArrayBuffer | Uint8Array} data
 * @returns {string}
 */
export function base64url(data) {
  let text = "";
  for (const byte of new Uint8Array(data)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * Decode base64 or base64url.
 *
 * @param {string} text
 * @returns {Bytes}
 */
export const unbase64 = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
