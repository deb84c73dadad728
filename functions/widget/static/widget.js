// A customer's own usage. The token comes behind the # of the address, which no server sees; the
// page around asks its own server for another one before it ends.

const FRESH = 15_000;
const main = document.querySelector("main");

let token = given().get("token");
let shown = null;
let readAt = null;

function given() {
  return new URLSearchParams(location.hash.slice(1));
}

function make(tag, content = [], attributes = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  // Texts are put in as texts, never as HTML.
  element.append(...[content].flat().filter((part) => part !== null));
  return element;
}

// Numbers are moved and grouped digit by digit: nothing is rounded or computed here.
function grouped(text, least) {
  const [whole, fraction = ""] = text.replace("-", "").split(".");
  const cut = fraction.length > 6 ? `${fraction.slice(0, 6)}…` : fraction.padEnd(least, "0");
  return (text.startsWith("-") ? "−" : "") + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (cut ? `.${cut}` : "");
}

function inDollars(cents) {
  const [whole, fraction = ""] = String(cents).replace("-", "").split(".");
  const padded = whole.padStart(3, "0");
  return (String(cents).startsWith("-") ? "-" : "") + `${padded.slice(0, -2)}.${padded.slice(-2)}${fraction}`.replace(/(\.\d\d\d*?)0+$/, "$1");
}

function money(amount, { name }) {
  if (name !== "USD (cents)") return `${grouped(String(amount), 2)} ${name}`;
  const text = grouped(inDollars(amount), 2);
  return text.startsWith("−") ? `−$${text.slice(1)}` : `$${text}`;
}

const day = (instant) => new Date(instant).toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric", month: "long", year: "numeric" });
const clock = (instant) => new Date(instant).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// A token for some pages only ends with their names, signed: the page is asked for with them, so
// that the browser shows it in no others. Nothing is read before.
function isInPlace() {
  const [, frames] = (token ?? "").split("~");
  if (!frames || new URLSearchParams(location.search).get("frames") === frames) return true;
  location.replace(`/widget?${new URLSearchParams({ frames })}${location.hash}`);
  return false;
}

async function read() {
  if (!token) return fail("No token was given to this page.", { asks: true });
  if (!isInPlace()) return undefined;
  let reply;
  try {
    reply = await fetch("/widget/usage", { headers: { authorization: `Bearer ${token}` }, cache: "no-store" });
  } catch {
    return fail("Your usage cannot be reached at the moment.");
  }
  if (reply.status === 401) return fail("This view has ended. Reload the page to see it again.", { asks: true });
  if (!reply.ok) return fail("Your usage cannot be shown at the moment.");
  shown = JSON.parse(await reply.text(), (key, value, context) => (typeof value === "number" && !Number.isSafeInteger(value) && context?.source ? context.source : value)).data;
  readAt = Date.now();
  return draw();
}

// What was read stays and says how old it is; without anything read, there are no numbers at all.
function fail(message, { asks = false } = {}) {
  if (asks) tell({ kind: "backbeat:ended" });
  if (shown) return draw(`${message} What you see is as of ${clock(readAt)}.`);
  main.replaceChildren(make("p", message, { class: "problem", role: "alert" }));
  return resized();
}

function draw(stale = null) {
  const periods = shown.periods.map(period);
  main.replaceChildren(
    make("h1", `Usage of ${shown.customer.name}`),
    ...(stale ? [make("p", stale, { class: "stale", role: "alert" })] : []),
    ...(periods.length ? periods : [make("p", "There is no open billing period.", { class: "note" })]),
    ...(shown.limits.length ? [limits()] : []),
    make("p", stale ? "" : `As of ${clock(readAt)}, refreshed every ${FRESH / 1000} seconds.`, { class: "note" }),
  );
  resized();
}

function period(one) {
  const unit = one.credit_type;
  const last = new Date(Date.parse(one.ending_before) - 1);
  const figures = [
    ["Spent so far", money(one.spent, unit), "spent"],
    ...(Number(one.covered) ? [["Paid by credits", money(one.covered, unit), "covered"], ["To be paid", money(one.due, unit), "due"]] : []),
    ["Projected", one.projected === null ? "too early to tell" : money(one.projected, unit), "projected"],
  ];
  return make("section", [
    make("h2", `${day(one.starting_at)} to ${day(last)}`),
    make("dl", figures.map(([label, value, name]) => make("div", [make("dt", label), make("dd", value, { "data-figure": name })])), { class: "figures" }),
    one.used.length
      ? make("ul", one.used.map((used) => make("li", [
          make("span", [used.name, " ", make("small", Object.values(used.groups).join(", "))]),
          make("span", [make("small", `${grouped(String(used.quantity), 0)} · `), money(used.amount, unit)]),
        ])))
      : make("p", "Nothing used yet.", { class: "note" }),
    make("p", "Projected at the present pace; prices that change with quantity are not foreseen.", { class: "note" }),
  ]);
}

function limits() {
  return make("section", [
    make("h2", "Limits"),
    make("ul", shown.limits.map((limit) => {
      const spent = shown.periods.find((one) => one.credit_type.id === limit.credit_type.id)?.spent ?? 0;
      const share = Math.min(1, Number(spent) / Number(limit.threshold || 1));
      return make("li", [
        make("span", money(limit.threshold, limit.credit_type)),
        make("span", limit.reached ? "reached" : `${Math.floor(share * 100)} % used`, limit.reached ? { class: "reached" } : {}),
        make("meter", [], { min: 0, max: 1, low: 0.75, high: 0.95, optimum: 0, value: share, "aria-label": `Used of ${money(limit.threshold, limit.credit_type)}` }),
      ]);
    })),
  ]);
}

function tell(message) {
  // It says nothing but its height and that it needs a token, so anybody may hear it.
  if (parent !== window) parent.postMessage(message, "*");
}

function resized() {
  tell({ kind: "backbeat:height", pixels: document.documentElement.getBoundingClientRect().height });
}

addEventListener("hashchange", () => {
  token = given().get("token");
  read();
});
const theme = given().get("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
new ResizeObserver(resized).observe(main);
setInterval(() => document.visibilityState === "visible" && read(), FRESH);
read();
