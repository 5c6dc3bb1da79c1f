// What this device remembers: its own random id and the settings of the pages. No data about a person is kept here.

/** @type {Map<string, string>} For browsers that store nothing, such as some private windows. */
const memory = new Map();

/**
 * Return what was kept under a key.
 *
 * @param {string} key
 * @returns {string | null} null when nothing was kept
 */
export function recall(key) {
  try {
    return localStorage.getItem(`certify.${key}`) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

/**
 * Keep a value on this device.
 *
 * @param {string} key
 * @param {string} value
 */
export function keep(key, value) {
  memory.set(key, value);
  try {
    localStorage.setItem(`certify.${key}`, value);
  } catch {
    // The browser stores nothing: the value lives as long as the page.
  }
}

/**
 * Return the random id of this device, which is drawn once and sent with every request.
 *
 * @returns {string} 128 bits in hexadecimal digits
 */
export function deviceId() {
  const known = recall("device");
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  keep("device", made);
  return made;
}

/** Show the text in the size that was chosen on this device. */
export function applyTextSize() {
  document.documentElement.dataset.text = recall("text") ?? "large";
}
