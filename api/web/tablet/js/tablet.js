// What this tablet is: its number, and the key that signs what it seals, which no script can read.

import { read, within, write } from "./store.js";

/** @typedef {{id: string, agent: {id: string, name: string, badge: string}, fund: string}} Own */

/** @returns {Promise<Own | undefined>} */
export const own = () => read("kv", "tablet");

/**
 * Become a tablet. Enrolled anew it is another one: its chain begins at the beginning, and what was signed for the one
 * before is not for it. What that one sealed stays, to be sent. A visit that another page seals just now comes first.
 * @param {Own} found
 */
export const setOwn = (found) =>
  navigator.locks.request("certify-chain", () =>
    within(["kv"], "readwrite", (at) => {
      at("kv").put(found, "tablet");
      at("kv").delete("head");
      at("kv").delete("anchor");
    }),
  );

/** Make the signing key; one that is there already stays. @returns {Promise<CryptoKeyPair>} */
export async function signingKey() {
  const known = await read("kv", "key");
  if (known) return known;
  const made = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  await write("kv", "key", made);
  return made;
}

/** @returns {Promise<{kty: string, crv: string, x: string, y: string}>} */
export async function publicKey() {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", (await signingKey()).publicKey);
  return { kty: kty ?? "", crv: crv ?? "", x: x ?? "", y: y ?? "" };
}
