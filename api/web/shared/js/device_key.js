// The key of this device: made once, so that the browser gives it to no program, and kept with the browser's data.

const STORE = "keys";
const NAME = "device";

/** @returns {Promise<IDBDatabase | null>} null when the browser stores nothing */
function open() {
  return new Promise((resolve) => {
    if (!("indexedDB" in window)) return resolve(null);
    const asked = indexedDB.open("certify-device", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => resolve(null);
  });
}

/**
 * Return the key pair of this device, made when it is first asked for.
 *
 * @returns {Promise<CryptoKeyPair | null>} null when the browser cannot keep one
 */
async function keyPair() {
  const base = await open();
  if (!base || !crypto.subtle) return null;
  try {
    const known = await done(base.transaction(STORE).objectStore(STORE).get(NAME));
    if (known) return known;
    const made = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    await done(base.transaction(STORE, "readwrite").objectStore(STORE).put(made, NAME));
    return made;
  } finally {
    base.close();
  }
}

/** Delete the key of this device: the service then knows it no more. */
export async function forgetKey() {
  const base = await open();
  if (!base) return;
  await done(base.transaction(STORE, "readwrite").objectStore(STORE).delete(NAME)).finally(() => base.close());
}

/**
 * @template T
 * @param {IDBRequest<T>} asked
 * @returns {Promise<T>}
 */
function done(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/**
 * Return the proof that a request comes from this device (DPoP, RFC 9449).
 *
 * @param {string} method of the request
 * @param {string} path of the request
 * @param {string} nonce from the service
 * @returns {Promise<string | null>} null when this device has no key: then it is an unknown one
 */
export async function proofOf(method, path, nonce) {
  try {
    const pair = await keyPair();
    if (!pair) return null;
    const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const head = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
    const claims = {
      jti: base64url(crypto.getRandomValues(new Uint8Array(12))),
      htm: method,
      htu: new URL(path, location.origin).href,
      iat: Math.floor(Date.now() / 1000),
      nonce,
    };
    const signed = [head, claims].map((part) => base64url(new TextEncoder().encode(JSON.stringify(part)))).join(".");
    const mark = await crypto.subtle.sign(
      { name: "ECDSA", hash: "SHA-256" },
      pair.privateKey,
      new TextEncoder().encode(signed),
    );
    return `${signed}.${base64url(new Uint8Array(mark))}`;
  } catch {
    return null; // a browser in a private window, or one that is too old
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
