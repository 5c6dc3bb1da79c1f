// Send a recording in pieces. A piece that has arrived is safe: after an interruption the next piece continues.

import { call, NoNetwork, Problem } from "../api.js";

/** Bytes of a piece, and of one on a slow network. */
const USUAL = 262_144;
const SMALL = 65_536;
/** How many milliseconds to wait before each new try; the last number is repeated. */
const PATIENCE_MS = [1000, 2000, 4000, 8000, 15_000];

/**
 * Send a recording; a photo is sent in one piece.
 *
 * @param {import("./vault.js").Kept} kept
 * @param {object} tell
 * @param {(share: number) => void} tell.progress called with the share that has arrived, 0 to 1
 * @param {(is: boolean) => void} tell.waiting called with whether the network is awaited
 * @param {AbortSignal} tell.signal stops it
 * @throws {Problem} when the service refuses the recording
 */
export async function upload(kept, { progress, waiting, signal }) {
  if (!kept.type.startsWith("video/")) {
    await stubborn(
      () =>
        call(`/v1/sessions/${kept.sessionId}/media`, {
          body: kept.blob,
          token: kept.token,
          key: `media-${kept.sessionId}`,
        }),
      waiting,
      signal,
    );
    return;
  }
  const sha256 = await digest(kept.blob);
  const path = `/v1/sessions/${kept.sessionId}/upload`;
  const declared = { size: kept.blob.size, media_type: kept.type, sha256, camera: kept.camera };
  /** @type {Service.UploadOut} */
  let state = await stubborn(() => call(path, { json: declared, token: kept.token }), waiting, signal);
  let piece = USUAL;
  while (!state.complete) {
    const start = state.offset;
    const part = kept.blob.slice(start, start + Math.max(piece, state.min_chunk));
    progress(start / kept.blob.size);
    const began = performance.now();
    state = await stubborn(
      async () => {
        try {
          return await call(`${path}?offset=${start}`, { method: "PUT", body: part, token: kept.token, tries: 0 });
        } catch (error) {
          if (error instanceof Problem && error.code === "wrong_offset") return { ...state, offset: error.offset };
          piece = SMALL;
          throw error;
        }
      },
      waiting,
      signal,
    );
    if (performance.now() - began > 8000) piece = SMALL;
  }
  progress(1);
}

/**
 * Repeat a request until an answer comes, also while the service is busy or not available.
 *
 * @template T
 * @param {() => Promise<T>} work the request
 * @param {(is: boolean) => void} waiting called with whether the network is awaited
 * @param {AbortSignal} signal stops it
 * @returns {Promise<T>} the answer
 * @throws {Problem} when the service refuses
 */
export async function stubborn(work, waiting, signal) {
  for (let turn = 0; ; turn += 1) {
    signal.throwIfAborted();
    try {
      const found = await work();
      waiting(false);
      return found;
    } catch (error) {
      const passing =
        error instanceof NoNetwork || (error instanceof Problem && (error.status === 503 || error.status === 429));
      if (!passing) throw error;
      waiting(true);
      await online(PATIENCE_MS[Math.min(turn, PATIENCE_MS.length - 1)], signal);
    }
  }
}

/** Wait until the network is back, at most so long. @param {number} ms @param {AbortSignal} signal */
function online(ms, signal) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      done(undefined);
    };
    const timer = setTimeout(end, ms);
    window.addEventListener("online", end);
    signal.addEventListener("abort", end);
  });
}

/** Return the SHA-256 in hexadecimal digits. @param {Blob} blob */
async function digest(blob) {
  const hash = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
