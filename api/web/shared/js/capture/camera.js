// The camera: opening it, what went wrong in words, and what it says of itself.

/** @typedef {"denied" | "busy" | "missing" | "inapp" | "old" | "other"} CameraTrouble */

export class CameraError extends Error {
  /** @param {CameraTrouble} trouble */
  constructor(trouble) {
    super(trouble);
    this.trouble = trouble;
  }
}

/** Browsers inside other apps, many of which never give a page the camera. */
const IN_APP =
  /MicroMessenger|FBAN|FBAV|Instagram|Line\/|WhatsApp|; wv\)|GSA\/|QQ\/|Weibo|AlipayClient|DingTalk|TikTok|musical_ly|BytedanceWebview/i;

/** @param {"user" | "environment"} facing @param {number} [width] pixels @returns {Promise<MediaStream>} */
export async function openCamera(facing, width = 640) {
  if (!navigator.mediaDevices?.getUserMedia) throw new CameraError(IN_APP.test(navigator.userAgent) ? "inapp" : "old");
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      // One side only: phones turn the picture, and both sides would cut it to a lying one.
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

/** What the service keeps about where the film came from. @param {MediaStream} stream */
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

/** @param {MediaStream | null} stream */
export function stopCamera(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
