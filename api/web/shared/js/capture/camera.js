// Open the camera, tell why it does not open, and describe it.

/**
 * Why the camera does not open; `inapp`: the page runs inside another app, `old`: the browser has no camera for pages.
 *
 * @typedef {"denied" | "busy" | "missing" | "inapp" | "old" | "other"} CameraTrouble
 */

/**
 * What the browser says of a camera; null for what it does not say.
 *
 * @typedef {object} Camera
 * @property {string | null} label
 * @property {"user" | "environment" | null} facing
 * @property {number | null} width pixels
 * @property {number | null} height pixels
 * @property {number | null} frame_rate frames a second
 */

/** The camera does not open. */
export class CameraError extends Error {
  /** @param {CameraTrouble} trouble why */
  constructor(trouble) {
    super(trouble);
    this.trouble = trouble;
    this.said = `camera.${trouble}`;
  }
}

/** Browsers inside other apps; many of them never give a page the camera. */
const IN_APP = new RegExp(
  "MicroMessenger|FBAN|FBAV|Instagram|Line/|WhatsApp|; wv\\)|GSA/|QQ/|Weibo|AlipayClient|DingTalk|TikTok|musical_ly|" +
    "BytedanceWebview",
  "i",
);

/**
 * Open a camera.
 *
 * @param {"user" | "environment"} facing the front camera or the rear one
 * @param {number} [width] wanted, in pixels
 * @returns {Promise<MediaStream>}
 * @throws {CameraError} when it does not open
 */
export async function openCamera(facing, width = 640) {
  if (!navigator.mediaDevices?.getUserMedia) throw new CameraError(IN_APP.test(navigator.userAgent) ? "inapp" : "old");
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      // The width only: phones turn the picture, and a width with a height would cut it to landscape format.
      video: { facingMode: { ideal: facing }, width: { ideal: width }, frameRate: { ideal: 15, max: 30 } },
    });
  } catch (error) {
    throw new CameraError(troubleOf(error));
  }
}

/** @param {unknown} error @returns {CameraTrouble} */
function troubleOf(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError")
    return IN_APP.test(navigator.userAgent) ? "inapp" : "denied";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  return "other";
}

/**
 * Describe the camera of a stream, as the service stores it with the capture.
 *
 * @param {MediaStream} stream
 * @returns {Camera}
 */
export function describe(stream) {
  const track = stream.getVideoTracks()[0];
  const set = track.getSettings();
  const facing = set.facingMode === "user" || set.facingMode === "environment" ? set.facingMode : null;
  return {
    label: track.label.slice(0, 200) || null,
    facing,
    width: set.width ?? null,
    height: set.height ?? null,
    frame_rate: set.frameRate || null,
  };
}

/**
 * Switch the camera off.
 *
 * @param {MediaStream | null} stream null when none was opened
 */
export function stopCamera(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
