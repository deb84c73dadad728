// Decimal numbers without loss. Amounts arrive as JSON numbers with any number of digits; those
// that a double might not hold stay the text they were.

const FORM = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** Reads JSON. Whole numbers are numbers; fractions are their own text, digit by digit. */
export function parse(text) {
  return JSON.parse(text, (key, value, context) =>
    typeof value === "number" && !Number.isSafeInteger(value) && context?.source
      ? context.source
      : value,
  );
}

function read(value) {
  const found = FORM.exec(String(value));
  if (!found || !(found[2] || found[3])) throw new TypeError(`${value} is not a decimal number`);
  const [, sign, whole, fraction = "", exponent = "0"] = found;
  let digits = BigInt(whole + fraction);
  let places = fraction.length - Number(exponent);
  if (places < 0) {
    digits *= 10n ** BigInt(-places);
    places = 0;
  }
  return { digits: sign ? -digits : digits, places };
}

function write({ digits, places }) {
  const negative = digits < 0n;
  const text = String(negative ? -digits : digits).padStart(places + 1, "0");
  const whole = text.slice(0, text.length - places);
  const fraction = text.slice(text.length - places).replace(/0+$/, "");
  return (negative ? "-" : "") + whole + (fraction ? `.${fraction}` : "");
}

/** The exact sum of decimal numbers, as text. */
export function add(...values) {
  return write(
    values.map(read).reduce(
      (sum, next) => {
        const places = Math.max(sum.places, next.places);
        const scaled = ({ digits, places: own }) => digits * 10n ** BigInt(places - own);
        return { digits: scaled(sum) + scaled(next), places };
      },
      { digits: 0n, places: 0 },
    ),
  );
}

/** The number times ten to the power of `places`, as text. */
export function shifted(value, places) {
  const { digits, places: own } = read(value);
  const moved = own - places;
  return write(moved < 0 ? { digits: digits * 10n ** BigInt(-moved), places: 0 } : { digits, places: moved });
}

/** -1, 0 or 1. */
export function sign(value) {
  const { digits } = read(value);
  return digits > 0n ? 1 : digits < 0n ? -1 : 0;
}

/** Orders two numbers: negative when the first is less. */
export function compare(first, second) {
  return sign(add(first, negated(second)));
}

export function negated(value) {
  const { digits, places } = read(value);
  return write({ digits: -digits, places });
}

/**
 * For people: thousands grouped, at least `least` places after the point, and after `most` of them
 * an ellipsis instead of the rest. Nothing is rounded.
 */
export function grouped(value, { least = 0, most = 6 } = {}) {
  const text = write(read(value));
  const [whole, fraction = ""] = text.replace("-", "").split(".");
  const shown = fraction.length > most ? `${fraction.slice(0, most)}…` : fraction.padEnd(least, "0");
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return (text.startsWith("-") ? "−" : "") + digits + (shown ? `.${shown}` : "");
}
