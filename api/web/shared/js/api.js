// Talking to the service. Every change carries a key, so that it can be sent again when an answer was lost.

import { deviceId } from "./device.js";

/** What the service says when something does not go. */
export class Problem extends Error {
  /** @param {number} status @param {{code?: string, detail?: string, offset?: number, retry_after?: number}} body */
  constructor(status, body) {
    super(body.detail ?? "");
    this.status = status;
    this.code = body.code ?? "unknown";
    this.offset = body.offset;
    this.retryAfter = body.retry_after ?? 0;
  }
}

/** No answer came: no network, or none in time. */
export class NoNetwork extends Error {}

const TIMEOUT_MS = 30_000;
const AGAIN_MS = [600, 2000, 5000];

const wait = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));

/** @returns {string} */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} path
 * @param {{method?: string, json?: unknown, body?: BodyInit, token?: string, key?: string, headers?: Record<string, string>, raw?: boolean, tries?: number, patience?: number}} [how]
 * @returns {Promise<any>}
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
      if (!passing || turn >= tries) throw error;
      await wait(AGAIN_MS[Math.min(turn, AGAIN_MS.length - 1)]);
    }
  }
}

/** @param {string} path @param {RequestInit} request @param {boolean} raw @param {number} patience */
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
