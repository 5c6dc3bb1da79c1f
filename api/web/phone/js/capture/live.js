// A live capture: frames go out, guidance comes back (docs/live.md). Ends with a result, or says to record instead.

import { deviceId } from "../device.js";
import { describe } from "./camera.js";
import { firstGuess, Pace, SIZES } from "./pace.js";

/** @typedef {{kind: "result" | "submitted", session: any} | {kind: "record", why: "slow" | "lost" | "off"} | {kind: "problem", problem: any} | {kind: "left"}} LiveEnd */

const OPEN_MS = 6000;
const QUIET_MS = 8000;
/** Problems after which the same session is best filmed and uploaded. */
const OTHER_WAY = new Set([
  "live_full",
  "live_off",
  "frame_unusable",
  "live_idle",
  "live_too_long",
  "internal_error",
  "database_unavailable",
]);

/**
 * @param {{opened: any, stream: MediaStream, video: HTMLVideoElement, signal: AbortSignal, on: (kind: string, message: any) => void}} work
 * @returns {Promise<LiveEnd>}
 */
export function runLive({ opened, stream, video, signal, on }) {
  const pace = new Pace(firstGuess());
  const size = pace.budget < 40_000 ? SIZES.small : SIZES.usual;
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  // Smoothed well, a smaller picture loses the noise of the camera and not the face, and takes half the bytes.
  pen.imageSmoothingQuality = "high";
  const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/sessions/${opened.session.id}/live`;

  return new Promise((resolve) => {
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    let seq = 0;
    let fresh = true;
    let sent = 0;
    let answered = 0;
    /** @type {[number, number][]} For frames without an answer: when taken, and bytes sent up to and with them. */
    let open = [];
    let busy = false;
    let heard = performance.now();
    let ready = false;
    let handedIn = /** @type {any} */ (null);
    let timer = 0;
    const opening = setTimeout(() => !ready && end({ kind: "record", why: "slow" }), OPEN_MS);

    /** @param {LiveEnd} how */
    const end = (how) => {
      clearTimeout(opening);
      clearTimeout(timer);
      window.removeEventListener("offline", lost);
      signal.removeEventListener("abort", leave);
      if (socket.readyState === WebSocket.OPEN) {
        if (how.kind !== "result" && !handedIn) socket.send('{"type": "stop"}');
        socket.close();
      }
      resolve(how);
    };
    const lost = () => end(handedIn ? { kind: "submitted", session: handedIn } : { kind: "record", why: "lost" });
    const leave = () => end({ kind: "left" });
    window.addEventListener("offline", lost);
    signal.addEventListener("abort", leave);

    socket.onopen = () => {
      socket.send(
        JSON.stringify({
          type: "hello",
          token: opened.token,
          nonce: opened.session.nonce,
          device: deviceId(),
          camera: describe(stream),
        }),
      );
    };
    socket.onclose = () => lost();
    socket.onmessage = (event) => {
      heard = performance.now();
      const message = JSON.parse(event.data);
      if (message.type === "guidance") {
        for (const [taken, bytes] of open) if (taken <= message.time_ms) answered = bytes;
        open = open.filter(([taken]) => taken > message.time_ms);
      }
      on(message.type, message);
      if (message.type === "ready") {
        ready = true;
        pump();
      } else if (message.type === "submitted") {
        handedIn = message.session;
        clearTimeout(timer);
      } else if (message.type === "result") {
        end({ kind: "result", session: message.session });
      } else if (message.type === "problem") {
        end(
          OTHER_WAY.has(message.problem.code)
            ? { kind: "record", why: "off" }
            : { kind: "problem", problem: message.problem },
        );
      }
    };

    // The same picture twice is what programs send instead of a camera; a slow phone must not look like one.
    const asks = "requestVideoFrameCallback" in video;
    const note = () => {
      fresh = true;
      if (!signal.aborted) video.requestVideoFrameCallback(note);
    };
    if (asks) video.requestVideoFrameCallback(note);

    const pump = () => {
      const now = performance.now();
      pace.see(sent - answered, now);
      if (pace.hopeless(now)) return end({ kind: "record", why: "slow" });
      // Frames go out and nothing comes back: the network is gone, though nobody says so.
      if (seq > 10 && now - heard > QUIET_MS && !handedIn) return end({ kind: "record", why: "lost" });
      if (asks && !fresh) {
        timer = window.setTimeout(pump, 20);
        return;
      }
      timer = window.setTimeout(pump, 1000 / pace.rate);
      if (busy || pace.full(sent - answered) || video.readyState < 2 || handedIn) return;
      busy = true;
      fresh = false;
      const taken = Math.round(now);
      draw(pen, video, size);
      canvas.toBlob(
        async (blob) => {
          const jpeg = await blob?.arrayBuffer();
          busy = false;
          if (!jpeg || socket.readyState !== WebSocket.OPEN || handedIn) return;
          pace.learn(jpeg.byteLength);
          sent += 8 + jpeg.byteLength;
          open.push([taken, sent]);
          const whole = new Uint8Array(8 + jpeg.byteLength);
          const head = new DataView(whole.buffer);
          head.setUint32(0, seq++);
          head.setUint32(4, taken);
          whole.set(new Uint8Array(jpeg), 8);
          socket.send(whole);
        },
        "image/jpeg",
        pace.quality,
      );
    };
  });
}

/**
 * The middle of the picture, three by four, as it stands on the screen.
 * @param {CanvasRenderingContext2D} pen @param {HTMLVideoElement} video @param {{width: number, height: number}} size
 */
function draw(pen, video, size) {
  const { videoWidth: wide, videoHeight: high } = video;
  const scale = Math.min(wide / size.width, high / size.height);
  const [w, h] = [size.width * scale, size.height * scale];
  pen.drawImage(video, (wide - w) / 2, (high - h) / 2, w, h, 0, 0, size.width, size.height);
}
