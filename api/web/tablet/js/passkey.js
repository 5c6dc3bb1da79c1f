// The agent's passkey: made when the tablet is enrolled, used to sign in and, if it can, to open the day's work.

import { base64url, unbase64, utf8 } from "./bytes.js";

/** Input from which the passkey derives a secret (WebAuthn's PRF extension). It must never change. */
const PRF = { eval: { first: utf8("certify day's work, first version") } };

/**
 * Make a passkey on this tablet.
 *
 * @param {Record<string, any>} options of WebAuthn, as the service sent them
 * @returns {Promise<object>} its answer for the service
 * @throws {DOMException} when the agent declines
 */
export async function makePasskey(options) {
  /** @type {any} */
  const publicKey = {
    ...options,
    challenge: unbase64(options.challenge),
    user: { ...options.user, id: unbase64(options.user.id) },
    extensions: { prf: {} },
  };
  publicKey.excludeCredentials = undefined;
  const made = /** @type {any} */ (await navigator.credentials.create({ publicKey }));
  if (!made) throw new Error("no passkey was made");
  return {
    id: made.id,
    rawId: base64url(made.rawId),
    type: made.type,
    response: {
      clientDataJSON: base64url(made.response.clientDataJSON),
      attestationObject: base64url(made.response.attestationObject),
    },
    clientExtensionResults: {},
  };
}

/**
 * Use the passkey.
 *
 * @param {Record<string, any>} options of WebAuthn, as the service sent them, or made here when only the secret is
 *   wanted
 * @returns {Promise<{answer: object, prf: import("./bytes.js").Bytes | undefined}>} its answer for the service, and its
 *   secret if it can derive one
 * @throws {DOMException} when the agent declines
 */
export async function usePasskey(options) {
  const allow = (options.allowCredentials ?? []).map((/** @type {any} */ each) => ({ ...each, id: unbase64(each.id) }));
  const publicKey = {
    ...options,
    challenge: unbase64(options.challenge),
    allowCredentials: allow,
    extensions: { prf: PRF },
  };
  const found = /** @type {any} */ (await navigator.credentials.get({ publicKey }));
  if (!found) throw new Error("no passkey was used");
  const secret = found.getClientExtensionResults().prf?.results?.first;
  const answer = {
    id: found.id,
    rawId: base64url(found.rawId),
    type: found.type,
    response: {
      clientDataJSON: base64url(found.response.clientDataJSON),
      authenticatorData: base64url(found.response.authenticatorData),
      signature: base64url(found.response.signature),
      userHandle: found.response.userHandle ? base64url(found.response.userHandle) : null,
    },
    clientExtensionResults: {},
  };
  return { answer, prf: secret ? new Uint8Array(secret) : undefined };
}

/**
 * Ask the passkey for its secret only, without a network.
 *
 * @returns {Promise<import("./bytes.js").Bytes | undefined>} undefined when it can derive none
 * @throws {DOMException} when the agent declines
 */
export async function secretOfPasskey() {
  const challenge = base64url(crypto.getRandomValues(new Uint8Array(32)));
  return (await usePasskey({ challenge, rpId: location.hostname, userVerification: "required" })).prf;
}

/**
 * Tell whether an error says that the agent declined or took too long.
 *
 * @param {unknown} error
 * @returns {boolean}
 */
export const wasDeclined = (error) =>
  error instanceof DOMException && ["NotAllowedError", "AbortError", "InvalidStateError"].includes(error.name);
