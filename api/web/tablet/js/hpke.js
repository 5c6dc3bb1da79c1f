// Sealing to the service: HPKE in base mode (RFC 9180), DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
// One message to one key, so the sequence number is always 0. Checked against another implementation by a test.

import { join, utf8 } from "./bytes.js";

const KEM = join(utf8("KEM"), new Uint8Array([0, 0x10]));
const SUITE = join(utf8("HPKE"), new Uint8Array([0, 0x10, 0, 0x01, 0, 0x02]));
const VERSION = utf8("HPKE-v1");
const EMPTY = new Uint8Array(0);

/** @param {Uint8Array<ArrayBuffer>} salt @param {Uint8Array<ArrayBuffer>} data */
async function extract(salt, data) {
  // An empty salt is a string of zeros (RFC 5869, 2.2); WebCrypto takes no empty key.
  const key = await crypto.subtle.importKey(
    "raw",
    salt.length ? salt : new Uint8Array(32),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, data));
}

/** One block is enough: nothing here is longer than 32 bytes. @param {Uint8Array<ArrayBuffer>} prk @param {Uint8Array<ArrayBuffer>} info @param {number} length */
async function expand(prk, info, length) {
  return (await extract(prk, join(info, new Uint8Array([1])))).slice(0, length);
}

/** @param {Uint8Array<ArrayBuffer>} suite @param {Uint8Array<ArrayBuffer>} salt @param {string} label @param {Uint8Array<ArrayBuffer>} data */
const labeledExtract = (suite, salt, label, data) => extract(salt, join(VERSION, suite, utf8(label), data));

/** @param {Uint8Array<ArrayBuffer>} suite @param {Uint8Array<ArrayBuffer>} prk @param {string} label @param {Uint8Array<ArrayBuffer>} info @param {number} length */
const labeledExpand = (suite, prk, label, info, length) =>
  expand(prk, join(new Uint8Array([length >> 8, length & 255]), VERSION, suite, utf8(label), info), length);

/**
 * Seal for the holder of a key. Returns the encapsulated key and the ciphertext, one behind the other.
 * @param {JsonWebKey} recipient public key @param {Uint8Array<ArrayBuffer>} info @param {Uint8Array<ArrayBuffer>} aad @param {Uint8Array<ArrayBuffer>} plain
 */
export async function seal(recipient, info, aad, plain) {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const { kty, crv, x, y } = recipient;
  const theirs = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, curve, true, []);
  const own = await crypto.subtle.generateKey(curve, false, ["deriveBits"]);
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", own.publicKey));
  const dh = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, own.privateKey, 256));
  const context = join(enc, await crypto.subtle.exportKey("raw", theirs));
  const shared = await labeledExpand(
    KEM,
    await labeledExtract(KEM, EMPTY, "eae_prk", dh),
    "shared_secret",
    context,
    32,
  );
  const pskId = await labeledExtract(SUITE, EMPTY, "psk_id_hash", EMPTY);
  const schedule = join(new Uint8Array([0]), pskId, await labeledExtract(SUITE, EMPTY, "info_hash", info));
  const secret = await labeledExtract(SUITE, shared, "secret", EMPTY);
  const key = await crypto.subtle.importKey(
    "raw",
    await labeledExpand(SUITE, secret, "key", schedule, 32),
    "AES-GCM",
    false,
    ["encrypt"],
  );
  const nonce = await labeledExpand(SUITE, secret, "base_nonce", schedule, 12);
  return join(enc, await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, key, plain));
}
