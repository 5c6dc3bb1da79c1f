// Sending a recording in pieces. Each piece that arrived is safe; after a break it goes on where it was.

import { call, NoNetwork, Problem } from "../api.js";

const USUAL = 262_144;
const SMALL = 65_536;
const PATIENCE_MS = [1000, 2000, 4000, 8000, 15_000];

/**
 * @param {import("./vault.js").Kept} kept
 * @param {{progress: (share: number) => void, waiting: (is: boolean) => void, signal: AbortSignal}} tell
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
 * Try until the network is back. Whatever the service itself refuses is not tried again.
 * @template T @param {() => Promise<T>} work @param {(is: boolean) => void} waiting @param {AbortSignal} signal
 * @returns {Promise<T>}
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

/** Wait so long, or until the phone says that the network is back. @param {number} ms @param {AbortSignal} signal */
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

/** @param {Blob} blob */
async function digest(blob) {
  const hash = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
