// The identity of this tablet: its id, and its signing key, which no script can read.

import { read, within, write } from "./store.js";

/**
 * This tablet, its agent, and the name of the fund.
 *
 * @typedef {{id: string, agent: Service.AgentOut, fund: string}} Own
 */

/**
 * Return this tablet.
 *
 * @returns {Promise<Own | undefined>} undefined when it is not enrolled
 */
export const own = () => read("kv", "tablet");

/**
 * Become a tablet. A tablet that is enrolled again is another one: its chain starts again, and a time that was signed
 * for the earlier one does not count. What the earlier one sealed stays, to be sent. If another page seals a visit just
 * now, that ends first.
 *
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

/**
 * Return the signing key, which is made at the first call.
 *
 * @returns {Promise<CryptoKeyPair>}
 */
export async function signingKey() {
  const known = await read("kv", "key");
  if (known) return known;
  const made = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  await write("kv", "key", made);
  return made;
}

/**
 * Return the public part of the signing key.
 *
 * @returns {Promise<{kty: string, crv: string, x: string, y: string}>} as a JWK
 */
export async function publicKey() {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", (await signingKey()).publicKey);
  return { kty: kty ?? "", crv: crv ?? "", x: x ?? "", y: y ?? "" };
}
