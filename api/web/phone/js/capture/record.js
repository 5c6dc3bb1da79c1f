// Record on the phone, with the same prompts at the same times as in a live capture, to be sent afterwards.

const KINDS = ["video/webm;codecs=vp8", "video/webm;codecs=vp9", "video/webm", "video/mp4;codecs=avc1", "video/mp4"];

/**
 * Tell whether this browser can record.
 *
 * @returns {boolean}
 */
export const canRecord = () =>
  typeof MediaRecorder !== "undefined" && KINDS.some((kind) => MediaRecorder.isTypeSupported(kind));

/**
 * Record one capture.
 *
 * @param {object} work
 * @param {MediaStream} work.stream of the camera
 * @param {Service.PlanOut} work.plan of the session
 * @param {boolean} work.slow whether the network is slow: the recording has fewer bytes
 * @param {AbortSignal} work.signal stops it when the person leaves
 * @param {(ms: number) => void} work.at called 20 times a second with the milliseconds since the first frame
 * @returns {Promise<Blob | null>} null when the person left
 * @throws {Error} when the browser stops recording
 */
export function record({ stream, plan, slow, signal, at }) {
  return new Promise((resolve, reject) => {
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: slow ? 500_000 : 800_000 });
    /** @type {Blob[]} */
    const parts = [];
    let timer = 0;
    const stop = () => {
      clearInterval(timer);
      if (recorder.state !== "inactive") recorder.stop();
    };
    signal.addEventListener("abort", stop, { once: true });
    recorder.ondataavailable = (event) => event.data.size && parts.push(event.data);
    recorder.onerror = (event) => reject(/** @type {any} */ (event).error ?? new Error("recording failed"));
    recorder.onstart = () => {
      const begin = performance.now();
      timer = window.setInterval(() => {
        const ms = performance.now() - begin;
        at(ms);
        if (ms >= plan.total_ms + 300) stop();
      }, 50);
    };
    recorder.onstop = () => {
      signal.removeEventListener("abort", stop);
      resolve(signal.aborted ? null : new Blob(parts, { type: (mimeType ?? "video/webm").split(";")[0] }));
    };
    recorder.start(500);
  });
}
