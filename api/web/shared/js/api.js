// Requests to the service. Every change carries a key, so that it can be sent again when an answer was lost.

import { deviceId } from "./device.js";

/**
 * The body of an error (RFC 9457). `offset`: of an upload, where the next piece begins. `retry_after`: seconds to wait.
 *
 * @typedef {{code?: string, detail?: string, offset?: number, retry_after?: number}} ProblemBody
 */

/** An error that the service has answered. */
export class Problem extends Error {
  /**
   * @param {number} status HTTP status
   * @param {ProblemBody} body what the service says of the error
   */
  constructor(status, body) {
    super(body.detail ?? "");
    this.status = status;
    this.code = body.code ?? "unknown";
    this.offset = body.offset;
    this.retryAfter = body.retry_after ?? 0;
  }
}

/** No answer came: there is no network, or it is too slow. */
export class NoNetwork extends Error {}

const TIMEOUT_MS = 30_000;
/** How long to wait before the second, the third and the fourth try. */
const AGAIN_MS = [600, 2000, 5000];

const wait = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Draw a key that is used for one thing only.
 *
 * @returns {string} 96 random bits in hexadecimal digits
 */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * How to ask.
 *
 * @typedef {object} CallOptions
 * @property {string} [method] POST if something is sent, else GET
 * @property {unknown} [json] what to send, as JSON
 * @property {BodyInit} [body] what to send, as it is
 * @property {string} [token] bearer token; without one the cookie of the sign-in counts
 * @property {string} [key] idempotency key; without one each call has its own
 * @property {Record<string, string>} [headers] more headers
 * @property {boolean} [raw] return the bytes of the answer
 * @property {number} [tries] how often to ask again when no answer came, or when the service was not available
 * @property {number} [patience] how many milliseconds to wait for an answer
 */

/**
 * Ask the service, and ask again when no answer came.
 *
 * @param {string} path path at the service, with its query
 * @param {CallOptions} [how] a GET without anything else if it is not given
 * @returns {Promise<any>} the answer read from JSON, a Blob if `raw`, null if it is empty
 * @throws {Problem} the service has refused
 * @throws {NoNetwork} no answer came, after all tries
 */
export async function call(path, how = {}) {
  const method = how.method ?? (how.json === undefined && how.body === undefined ? "GET" : "POST");
  /** @type {Record<string, string>} */
  const headers = { "X-Certify-Device": deviceId(), ...how.headers };
  if (how.token) headers.Authorization = `Bearer ${how.token}`;
  if (method === "POST") headers["Idempotency-Key"] = how.key ?? newKey();
  if (how.json !== undefined) headers["Content-Type"] = "application/json";
  const body = how.json !== undefined ? JSON.stringify(how.json) : how.body;
  const tries = how.tries ?? AGAIN_MS.length;
  for (let turn = 0; ; turn += 1) {
    try {
      return await once(path, { method, headers, body }, how.raw === true, how.patience ?? TIMEOUT_MS);
    } catch (error) {
      const passing = error instanceof NoNetwork || (error instanceof Problem && error.status === 503);
      // A phone that knows it has no network need not keep its owner waiting.
      if (!passing || turn >= tries || !navigator.onLine) throw error;
      await wait(AGAIN_MS[Math.min(turn, AGAIN_MS.length - 1)]);
    }
  }
}

/**
 * @param {string} path
 * @param {RequestInit} request
 * @param {boolean} raw
 * @param {number} patience milliseconds
 */
async function once(path, request, raw, patience) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), patience);
  let answer;
  try {
    answer = await fetch(path, { ...request, signal: control.signal, credentials: "same-origin", cache: "no-store" });
    if (answer.ok) return raw ? await answer.blob() : answer.status === 204 ? null : await answer.json();
  } catch (error) {
    throw new NoNetwork(String(error));
  } finally {
    clearTimeout(timer);
  }
  const found = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, { ...found, retry_after: Number(answer.headers.get("Retry-After") ?? 0) });
}
