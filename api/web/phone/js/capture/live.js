// A live capture: frames go out and guidance comes back (docs/live.md). It ends with a result, or with another way.

import { deviceId } from "../device.js";
import { describe } from "./camera.js";
import { commandsOf } from "./command.js";
import { firstGuess, Pace, SIZES } from "./pace.js";
/** @import { Witness } from "./witness.js" */

/**
 * What the service says of a frame; times in milliseconds.
 *
 * @typedef {object} Guidance
 * @property {"guidance"} type
 * @property {number} time_ms when the frame was taken
 * @property {"placing" | "recording" | "done"} phase
 * @property {string[]} say what to do better, as codes of texts
 * @property {number | null} start_ms when the first frame of the recording was taken
 * @property {number | null} prompt index of the prompt that is due
 * @property {string | null} asked its name; what comes later is not known here
 * @property {boolean} back whether it asks the person back
 * @property {boolean} reached whether its movement was seen
 * @property {Service.FlashOut[]} flashes the colours, once they come next
 * @property {Service.CommandOut[]} commands for the camera, likewise
 * @property {boolean[]} answered which prompts were seen
 * @property {number} progress share of the recording, 0 to 1
 */

/**
 * A message of the service.
 *
 * @typedef {Guidance
 *   | {type: "ready", prompts: number}
 *   | {type: "submitted" | "result", session: Service.SessionOut}
 *   | {type: "problem", problem: import("../api.js").ProblemBody & {status: number}}} Message
 */

/**
 * How a live capture ended. `submitted`: the recording has arrived and is not decided yet. `record`: there is no
 * guidance, so the same session is recorded and sent. `left`: the person left the page.
 *
 * @typedef {{kind: "result" | "submitted", session: Service.SessionOut}
 *   | {kind: "record", why: "slow" | "lost" | "off"}
 *   | {kind: "problem", problem: import("../api.js").ProblemBody & {status: number}}
 *   | {kind: "left"}} LiveEnd
 */

/** How many milliseconds to wait for the service to be ready, and for its next message. */
const OPEN_MS = 6000;
const QUIET_MS = 8000;
/** How many milliseconds pass between two reports about camera and phone. */
const REPORT_MS = 1000;
/** Problems after which the same session is recorded and uploaded. */
const OTHER_WAY = new Set([
  "live_full",
  "live_off",
  "frame_unusable",
  "live_idle",
  "live_no_face",
  "live_too_long",
  "internal_error",
  "database_unavailable",
]);

/**
 * Film a person live.
 *
 * @param {object} work
 * @param {Service.SessionOpened} work.opened the session
 * @param {MediaStream} work.stream of the camera
 * @param {HTMLVideoElement} work.video that shows the stream; the frames are taken from it
 * @param {Witness} work.witness of camera and phone
 * @param {AbortSignal} work.signal ends the capture when the person leaves
 * @param {(message: Message) => void} work.on called with each message of the service
 * @returns {Promise<LiveEnd>}
 */
export function runLive({ opened, stream, video, witness, signal, on }) {
  const pace = new Pace(firstGuess());
  const size = pace.budget < 40_000 ? SIZES.small : SIZES.usual;
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  // Good smoothing removes the camera's noise and keeps the face, in half of the bytes.
  pen.imageSmoothingQuality = "high";
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const address = `${scheme}://${location.host}/v1/sessions/${opened.session.id}/live`;

  return new Promise((resolve) => {
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    let seq = 0;
    let fresh = true;
    let sent = 0;
    let answered = 0;
    /** @type {[number, number][]} Of frames without an answer: when taken, and all bytes sent by then. */
    let open = [];
    let busy = false;
    let heard = performance.now();
    let ready = false;
    let handedIn = /** @type {Service.SessionOut | null} */ (null);
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
          camera: { ...describe(stream), can: commandsOf(stream), ...witness.atFirst() },
        }),
      );
    };
    socket.onclose = () => lost();
    socket.onmessage = (event) => {
      heard = performance.now();
      const message = /** @type {Message} */ (JSON.parse(event.data));
      if (message.type === "guidance") {
        for (const [taken, bytes] of open) if (taken <= message.time_ms) answered = bytes;
        open = open.filter(([taken]) => taken > message.time_ms);
      }
      on(message);
      if (message.type === "ready") {
        ready = true;
        pump();
      } else if (message.type === "submitted") {
        // What comes now does not need this page: it asks for the result, also after the phone was put away.
        handedIn = message.session;
        end({ kind: "submitted", session: handedIn });
      } else if (message.type === "problem") {
        end(
          OTHER_WAY.has(message.problem.code ?? "")
            ? { kind: "record", why: "off" }
            : { kind: "problem", problem: message.problem },
        );
      }
    };

    // A program that imitates a camera repeats pictures. A slow phone must not, or it is taken for one.
    const asks = "requestVideoFrameCallback" in video;
    const note = () => {
      fresh = true;
      if (!signal.aborted) video.requestVideoFrameCallback(note);
    };
    if (asks) video.requestVideoFrameCallback(note);

    let reported = performance.now();
    const report = () => {
      socket.send(JSON.stringify({ type: "phone", camera: witness.later(), motion: witness.news() }));
    };

    const pump = () => {
      const now = performance.now();
      if (now - reported > REPORT_MS && socket.readyState === WebSocket.OPEN && !handedIn) {
        reported = now;
        report();
      }
      pace.see(sent - answered, now);
      if (pace.hopeless(now)) return end({ kind: "record", why: "slow" });
      // Frames go out and no answer comes back: the network is lost, although the browser does not report it.
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
 * Draw the middle of the picture, three by four, as the screen shows it.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {HTMLVideoElement} video
 * @param {{width: number, height: number}} size pixels
 */
function draw(pen, video, size) {
  const { videoWidth: wide, videoHeight: high } = video;
  const scale = Math.min(wide / size.width, high / size.height);
  const [w, h] = [size.width * scale, size.height * scale];
  pen.drawImage(video, (wide - w) / 2, (high - h) / 2, w, h, 0, 0, size.width, size.height);
}
