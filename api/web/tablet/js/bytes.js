// Bytes and texts.

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export const utf8 = (text) => /** @type {Uint8Array<ArrayBuffer>} */ (new TextEncoder().encode(text));

/** @param {...(Uint8Array | ArrayBuffer)} parts @returns {Uint8Array<ArrayBuffer>} */
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

/** Four bytes, the largest first. @param {number} value */
export function u32(value) {
  const made = new Uint8Array(4);
  new DataView(made.buffer).setUint32(0, value);
  return made;
}

/** @param {ArrayBuffer | Uint8Array} data */
export const hex = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {BufferSource} data */
export const sha256 = async (data) => hex(await crypto.subtle.digest("SHA-256", data));

/** @param {ArrayBuffer | Uint8Array} data */
export function base64url(data) {
  let text = "";
  for (const byte of new Uint8Array(data)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export const unbase64 = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
