// Dates of which the day is not known.

import { current, day, t } from "./i18n.js";

/**
 * Write when something happened whose day may not be known, in words: a day, "March 2026", or the first and last day.
 *
 * @param {string} first the first possible day, as yyyy-mm-dd; 1900-01-01 if no date is known
 * @param {string} last the last possible day
 * @returns {string}
 */
export function span(first, last) {
  if (first === last) return day(last);
  if (first <= "1900-01-01") return t("date.until", { date: day(last) });
  const [from, to] = [first, last].map((iso) => new Date(`${iso}T12:00:00Z`));
  /** @type {Intl.DateTimeFormatOptions} */
  const within = { timeZone: "UTC", year: "numeric" };
  if (first.slice(0, 7) === last.slice(0, 7))
    return new Intl.DateTimeFormat(current(), { ...within, month: "long" }).format(to);
  if (first.slice(0, 4) === last.slice(0, 4) && first.endsWith("-01-01") && last.slice(5, 7) === "12")
    return new Intl.DateTimeFormat(current(), within).format(to);
  return new Intl.DateTimeFormat(current(), { dateStyle: "long", timeZone: "UTC" }).formatRange(from, to);
}
