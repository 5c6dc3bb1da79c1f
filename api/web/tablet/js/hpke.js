// Encrypt to the service: HPKE in base mode (RFC 9180), DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
// Each key takes one message, so the sequence number is always 0. A test compares this with another implementation.

/** @import { Bytes } from "./bytes.js" */
import { join, utf8 } from "./bytes.js";

const KEM = join(utf8("KEM"), new Uint8Array([0, 0x10]));
const SUITE = join(utf8("HPKE"), new Uint8Array([0, 0x10, 0, 0x01, 0, 0x02]));
const VERSION = utf8("HPKE-v1");
const EMPTY = new Uint8Array(0);

/** HKDF-Extract (RFC 5869). @param {Bytes} salt @param {Bytes} data */
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

/**
 * HKDF-Expand (RFC 5869). One block is enough, because nothing here is longer than 32 bytes.
 *
 * @param {Bytes} prk
 * @param {Bytes} info
 * @param {number} length bytes, 32 at most
 */
async function expand(prk, info, length) {
  return (await extract(prk, join(info, new Uint8Array([1])))).slice(0, length);
}

/**
 * LabeledExtract (RFC 9180, 4).
 *
 * @param {Bytes} suite
 * @param {Bytes} salt
 * @param {string} label
 * @param {Bytes} data
 */
const labeledExtract = (suite, salt, label, data) => extract(salt, join(VERSION, suite, utf8(label), data));

/**
 * LabeledExpand (RFC 9180, 4).
 *
 * @param {Bytes} suite
 * @param {Bytes} prk
 * @param {string} label
 * @param {Bytes} info
 * @param {number} length bytes, 32 at most
 */
const labeledExpand = (suite, prk, label, info, length) =>
  expand(prk, join(new Uint8Array([length >> 8, length & 255]), VERSION, suite, utf8(label), info), length);

/**
 * Encrypt to the holder of a key.
 *
 * @param {JsonWebKey} recipient public key
 * @param {Bytes} info what the encryption is for
 * @param {Bytes} aad what is authenticated but not encrypted
 * @param {Bytes} plain what is encrypted
 * @returns {Promise<Bytes>} the encapsulated key, then the ciphertext
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
