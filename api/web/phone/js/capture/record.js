// Filming on the phone, with the same prompts at the same times, to be sent afterwards.

const KINDS = ["video/webm;codecs=vp8", "video/webm;codecs=vp9", "video/webm", "video/mp4;codecs=avc1", "video/mp4"];

export const canRecord = () =>
  typeof MediaRecorder !== "undefined" && KINDS.some((kind) => MediaRecorder.isTypeSupported(kind));

/**
 * Film one plan. `at` is told every twentieth of a second how far it is, in milliseconds from the first frame.
 * @param {{stream: MediaStream, plan: any, slow: boolean, signal: AbortSignal, at: (ms: number) => void}} work
 * @returns {Promise<Blob | null>} null when the person left
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
