// The words of the page in the person's language. Keys without a word are an error that tests find, never a blank.

const meta = (/** @type {string} */ name) =>
  document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";

/** Folder of this release, for everything the page loads. */
export const BASE = meta("base");
export const RETENTION_DAYS = Number(meta("retention-days"));
/** Days within which an objection is answered. */
export const ANSWER_DAYS = Number(meta("answer-days"));
/** Days from today between which a visit can be asked for. */
export const VISIT_DAYS = meta("visit-days").split(" ").map(Number);

/**
 * The languages of the pages by code, in the order in which they are offered: the name in the language itself, the
 * direction of its writing, and the voice that reads it aloud. A test compares them with those of the service.
 *
 * @type {Record<string, {name: string, direction: "ltr" | "rtl", voice: string}>}
 */
export const LANGUAGES = {
  "zh-Hans": { name: "简体中文", direction: "ltr", voice: "zh-CN" },
  en: { name: "English", direction: "ltr", voice: "en-GB" },
  pt: { name: "Português", direction: "ltr", voice: "pt-BR" },
  hi: { name: "हिन्दी", direction: "ltr", voice: "hi-IN" },
  fr: { name: "Français", direction: "ltr", voice: "fr-FR" },
  es: { name: "Español", direction: "ltr", voice: "es-ES" },
  ar: { name: "العربية", direction: "rtl", voice: "ar-SA" },
};

/** @type {Record<string, string>} */
let words = {};
let language = document.documentElement.lang;

export const current = () => language;

/** @param {string} wanted */
export async function load(wanted) {
  const answer = await fetch(`${BASE}locales/${wanted}.json`, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`no words for ${wanted}`);
  words = await answer.json();
  language = wanted;
  document.documentElement.lang = wanted;
  document.documentElement.dir = LANGUAGES[wanted].direction;
}

/**
 * The text of a key, with its parameters filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [params]
 */
export function t(key, params = {}) {
  const text = words[key];
  if (text === undefined) {
    console.error(`no text for ${key}`);
    return key;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? isolate(params[name]) : whole));
}

/** @param {string} key */
export const has = (key) => key in words;

/**
 * The text for a count: `key.one` or `key.other`. Languages with more forms get by with two here, as the number stands
 * in the text.
 * @param {string} key @param {number} count @param {Record<string, string | number>} [params]
 */
export function tn(key, count, params = {}) {
  const one = new Intl.PluralRules(language).select(count) === "one" && count === 1;
  return t(`${key}.${one ? "one" : "other"}`, { count: number(count), ...params });
}

/** Numbers and dates keep their order inside text that runs the other way. @param {string | number} value */
function isolate(value) {
  const text = String(value);
  return document.documentElement.dir === "rtl" ? `\u2068${text}\u2069` : text;
}

/** @param {number} value */
export const number = (value) => new Intl.NumberFormat(language).format(value);

/**
 * A day in words. `iso` is a date without time, which is the same day everywhere, or an instant.
 * @param {string} iso
 */
export function day(iso) {
  const plain = /^\d{4}-\d{2}-\d{2}$/.test(iso);
  const date = plain ? new Date(`${iso}T12:00:00Z`) : new Date(iso);
  return new Intl.DateTimeFormat(language, { dateStyle: "long", ...(plain ? { timeZone: "UTC" } : {}) }).format(date);
}

/** A moment in words, where the device is. @param {number} ms since 1970 */
export const moment = (ms) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(ms);
