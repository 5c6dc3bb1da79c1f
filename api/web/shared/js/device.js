// What this phone remembers: its own name, and how the person likes to read. Nothing about the person themself.

/** @type {Map<string, string>} For browsers that keep nothing, such as some private windows. */
const memory = new Map();

/** @param {string} key @returns {string | null} */
export function recall(key) {
  try {
    return localStorage.getItem(`certify.${key}`) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

/** @param {string} key @param {string} value */
export function keep(key, value) {
  memory.set(key, value);
  try {
    localStorage.setItem(`certify.${key}`, value);
  } catch {
    // Kept in memory only.
  }
}

/** The name of this device: chosen once by chance, said with every request. */
export function deviceId() {
  const known = recall("device");
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  keep("device", made);
  return made;
}

export function applyTextSize() {
  document.documentElement.dataset.text = recall("text") ?? "large";
}
