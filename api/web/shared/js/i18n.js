// The texts of the pages in the chosen language. A key without a text shows itself, and tests find it.

import { NoNetwork } from "./api.js";

const meta = (/** @type {string} */ name) =>
  document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";

/** Address of the folder of this release, which holds all that the page loads. */
export const BASE = meta("base");
/** How many days captures are kept. */
export const RETENTION_DAYS = Number(meta("retention-days"));
/** Telephone number that people call; empty when the fund has none. */
export const HELP_PHONE = meta("help-phone");
/** How many days an answer to an objection takes at most. */
export const ANSWER_DAYS = Number(meta("answer-days"));
/** The first and the last day for which a visit can be requested, in days from today. */
export const VISIT_DAYS = meta("visit-days").split(" ").map(Number);

/**
 * The languages of the pages by code, in the order in which they are offered: the name in the language itself, the
 * direction of its writing, and the voice that reads it aloud. A test compares them with those of the service.
 *
 * @type {Record<string, {name: string, direction: "ltr" | "rtl", voice: string}>}
 */
export const LANGUAGES = {
  "zh-Hans": { name: "简体中文", direction: "ltr", voice: "zh-CN" },
  "zh-Hant": { name: "繁體中文", direction: "ltr", voice: "zh-TW" },
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

/**
 * Return the code of the language in which the page is shown.
 *
 * @returns {string}
 */
export const current = () => language;

/**
 * Load the texts of a language.
 *
 * @param {string} wanted one of `LANGUAGES`
 * @throws {NoNetwork} when they do not load
 */
export async function load(wanted) {
  const answer = await fetch(`${BASE}locales/${wanted}.json`, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) throw new NoNetwork(`no words for ${wanted}`);
  words = await answer.json();
  language = wanted;
  document.documentElement.lang = wanted;
  document.documentElement.dir = LANGUAGES[wanted].direction;
}

/**
 * Return the text of a key.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [params] values of its placeholders
 * @returns {string}
 */
export function t(key, params = {}) {
  const text = words[key];
  if (text === undefined) {
    console.error(`no text for ${key}`);
    return key;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? isolate(params[name]) : whole));
}

/**
 * Tell whether a key has a text.
 *
 * @param {string} key
 * @returns {boolean}
 */
export const has = (key) => key in words;

/**
 * Return the text for a count: that of `key.one` or of `key.other`. Two forms are enough also for languages that have
 * more, because the number stands in the text.
 *
 * @param {string} key
 * @param {number} count fills the placeholder `count`
 * @param {Record<string, string | number>} [params] values of the other placeholders
 * @returns {string}
 */
export function tn(key, count, params = {}) {
  const one = new Intl.PluralRules(language).select(count) === "one" && count === 1;
  return t(`${key}.${one ? "one" : "other"}`, { count: number(count), ...params });
}

/**
 * Mark numbers and dates so that they keep their order inside text that runs from right to left.
 *
 * @param {string | number} value
 */
function isolate(value) {
  const text = String(value);
  return document.documentElement.dir === "rtl" ? `\u2068${text}\u2069` : text;
}

/**
 * Write a number as the language does.
 *
 * @param {number} value
 * @returns {string}
 */
export const number = (value) => new Intl.NumberFormat(language).format(value);

/**
 * Write a day in words.
 *
 * @param {string} iso a date without time, which is the same day everywhere, or an instant
 * @returns {string}
 */
export function day(iso) {
  const plain = /^\d{4}-\d{2}-\d{2}$/.test(iso);
  const date = plain ? new Date(`${iso}T12:00:00Z`) : new Date(iso);
  return new Intl.DateTimeFormat(language, { dateStyle: "long", ...(plain ? { timeZone: "UTC" } : {}) }).format(date);
}

/**
 * Write an instant in words, in the time zone of the device.
 *
 * @param {number} ms milliseconds since 1970
 * @returns {string}
 */
export const moment = (ms) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(ms);
