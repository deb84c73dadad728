// Amounts, quantities and times as people read them. All times are UTC, as everywhere in billing.

import { grouped, shifted } from "./exact.js";

const SYMBOLS = { USD: "$", EUR: "€", GBP: "£" };

/** An amount in the unit of its credit type: USD comes in cents, everything else in whole units. */
export function money(amount, creditType) {
  if (amount === null || amount === undefined) return "–";
  const name = creditType?.name ?? "USD (cents)";
  const cents = name === "USD (cents)";
  const code = cents ? "USD" : name;
  const text = grouped(cents ? shifted(amount, -2) : amount, { least: creditType && !isCurrency(code) ? 0 : 2 });
  const symbol = SYMBOLS[code];
  if (!symbol) return `${text} ${code}`;
  return text.startsWith("−") ? `−${symbol}${text.slice(1)}` : `${symbol}${text}`;
}

/** A price per unit: as an amount, but without the zeros behind the point that say nothing. */
export const price = money;

/** The same amount as a double in main units, for charts alone: a pixel is coarser than a double. */
export function plotted(amount, creditType) {
  const cents = (creditType?.name ?? "USD (cents)") === "USD (cents)";
  return Number(cents ? shifted(amount, -2) : amount);
}

/** The sign that stands before such amounts, if there is one. */
export const symbol = (creditType) => SYMBOLS[creditType?.name === "USD (cents)" ? "USD" : creditType?.name] ?? "";

function isCurrency(code) {
  return /^[A-Z]{3}$/.test(code);
}

export function quantity(value) {
  return value === null || value === undefined ? "–" : grouped(value);
}

const PARTS = { timeZone: "UTC", hourCycle: "h23" };
const DATE = new Intl.DateTimeFormat("en-GB", { ...PARTS, day: "numeric", month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { ...PARTS, hour: "2-digit", minute: "2-digit" });
const SECOND = new Intl.DateTimeFormat("en-GB", { ...PARTS, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MONTH = new Intl.DateTimeFormat("en-GB", { ...PARTS, month: "long", year: "numeric" });

export const date = (instant) => (instant ? DATE.format(new Date(instant)) : "–");
export const time = (instant) => (instant ? `${DATE.format(new Date(instant))}, ${TIME.format(new Date(instant))}` : "–");
export const second = (instant) => (instant ? `${DATE.format(new Date(instant))}, ${SECOND.format(new Date(instant))}` : "–");
export const clockTime = (instant) => SECOND.format(new Date(instant));
export const month = (instant) => MONTH.format(new Date(instant));

/** A half-open period of days by its first and last day. */
export function period(start, end) {
  if (!start) return "–";
  if (!end) return `from ${date(start)}`;
  const first = new Date(start);
  const last = new Date(end);
  const whole = first.getTime() % DAY === 0 && last.getTime() % DAY === 0;
  if (!whole) return `${time(start)} – ${time(end)}`;
  const inclusive = new Date(last.getTime() - DAY);
  return inclusive <= first ? date(start) : `${date(start)} – ${date(inclusive)}`;
}

export const DAY = 86_400_000;

/** Midnight of the day, `days` days on, as the API takes it. */
export function midnight(instant, days = 0) {
  const at = new Date(instant);
  const day = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + days);
  return new Date(day).toISOString().replace(".000", "");
}

/** The first instant of the month, `months` months on. */
export function monthStart(instant, months = 0) {
  const at = new Date(instant);
  const day = Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1);
  return new Date(day).toISOString().replace(".000", "");
}

/** Bytes in the largest unit that leaves a digit before the point. */
export function bytes(count) {
  for (const [unit, size] of [["MB", 1e6], ["kB", 1e3]]) {
    if (count >= size) return `${(count / size).toFixed(1)} ${unit}`;
  }
  return `${count} bytes`;
}

/** A word of the API in plain letters: `PREPAID_COMMIT` is "Prepaid commit". */
export function words(text) {
  const plain = String(text ?? "").replaceAll("_", " ").toLowerCase();
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}
