// The shop's page. It multiplies nothing: prices, counts and amounts are told by the shop's API.

const TOKEN = "backbeat-token";
const token = sessionStorage.getItem(TOKEN) ?? "dev";
const find = (id) => document.getElementById(id);
const alias = () => find("customer").elements.ingest_alias.value.trim();

let status = { customer_id: null, contract_id: null, prices: {} };

async function call(method, path, body, query = {}) {
  const parameters = new URLSearchParams(query);
  const reply = await fetch(`/demo/api/${path}${method === "GET" ? `?${parameters}` : ""}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "x-backbeat-onlooker": "demo" },
    body: body && JSON.stringify(body),
  });
  const told = await reply.json();
  if (!reply.ok) throw new Error(told.message ?? `The shop answered ${reply.status}`);
  return told.data;
}

// Amounts are in cents and may have fractions of one; digits are moved, never computed.
function dollars(cents) {
  const [whole, fraction = ""] = String(cents).split(".");
  const padded = whole.padStart(3, "0");
  return `$${padded.slice(0, -2)}.${padded.slice(-2)}${fraction}`;
}

function make(tag, content, attributes = {}) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...[content].flat());
  return element;
}

let fading;
function say(text) {
  find("toast").replaceChildren(make("p", text));
  clearTimeout(fading);
  fading = setTimeout(() => find("toast").replaceChildren(), 4000);
}

async function doing(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    say(error.message);
  } finally {
    button.disabled = false;
    show();
  }
}

function show() {
  for (const step of document.querySelectorAll("[data-step]")) {
    const id = status[step.dataset.step];
    step.toggleAttribute("data-done", Boolean(id));
    step.querySelector("small").textContent = id ?? "not yet";
  }
  const contract = find("contract").querySelector("button");
  contract.disabled = !status.customer_id;
  const tiers = Object.entries(status.prices).map(([tier, cents]) => {
    const button = make("button", "Generate", { type: "button", disabled: !status.contract_id });
    button.setAttribute("aria-label", `Generate ${tier}`);
    button.addEventListener("click", () => doing(button, () => generate(tier)));
    const price = make("span", [dollars(cents), make("small", " an image")], { className: "price" });
    return make("div", [make("strong", tier), price, button], { className: "tier" });
  });
  const known = find("tiers").children.length === tiers.length;
  if (known) [...find("tiers").querySelectorAll("button")].forEach((button) => (button.disabled = !status.contract_id));
  else find("tiers").replaceChildren(...tiers);
}

async function generate(tier) {
  const made = await call("POST", "generate", { ingest_alias: alias(), tier });
  const canvas = make("canvas", [], { width: 220, height: 220 });
  canvas.setAttribute("role", "listitem");
  canvas.setAttribute("aria-label", `Image, ${tier}`);
  find("wall").prepend(canvas);
  paint(canvas, made.transaction_id, tier);
  await readUsage();
}

const DETAIL = { standard: 7, "high-res": 26, ultra: 90 };

/** A picture of its own for each transaction: better qualities have more to see. */
function paint(canvas, seed, tier) {
  let state = [...seed].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7);
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  const context = canvas.getContext("2d");
  const hue = random() * 360;
  const sky = context.createLinearGradient(0, 0, 220, 220);
  sky.addColorStop(0, `hsl(${hue} 55% 16%)`);
  sky.addColorStop(1, `hsl(${hue + 50} 65% 34%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, 220, 220);
  for (let number = 0; number < DETAIL[tier]; number += 1) {
    const size = 6 + random() * (140 / Math.sqrt(DETAIL[tier]));
    context.fillStyle = `hsl(${hue + random() * 120} 80% ${45 + random() * 35}% / ${0.25 + random() * 0.5})`;
    context.beginPath();
    context.ellipse(random() * 220, random() * 220, size, size * (0.4 + random()), random() * 3, 0, 7);
    context.fill();
  }
}

async function readStatus() {
  status = await call("GET", "status", undefined, { ingest_alias: alias() });
  show();
}

async function readUsage() {
  try {
    const used = await call("GET", "usage", undefined, { ingest_alias: alias() });
    const rows = Object.entries(used?.tiers ?? {}).map(([tier, { images, cents }]) => {
      const row = make("tr", [make("th", tier, { scope: "row" }), make("td", String(images)), make("td", dollars(cents))]);
      row.dataset.tier = tier;
      return row;
    });
    find("usage").replaceChildren(...rows);
    find("total").textContent = used ? dollars(used.cents) : "–";
    find("draft").textContent = used ? dollars(used.draft_cents) : "–";
    find("as-of").textContent = `Read at ${new Date().toLocaleTimeString("en-GB")}, from the day's part of the invoice.`;
    find("as-of").className = "note";
  } catch (error) {
    // What was read before stays, and says that it is old.
    find("as-of").textContent = `Not refreshed: ${error.message}`;
    find("as-of").className = "note stale";
  }
}

find("customer").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, ingest_alias } = Object.fromEntries(new FormData(event.target));
  doing(event.target.querySelector("button"), async () => {
    await call("POST", "customers", { name, ingest_alias: ingest_alias.trim() });
    await readStatus();
    await readUsage();
    say("The customer is there.");
  });
});
find("contract").addEventListener("submit", (event) => {
  event.preventDefault();
  doing(event.target.querySelector("button"), async () => {
    await call("POST", "contract", { ingest_alias: alias() });
    await readStatus();
    await readUsage();
    say("Prices are set, the contract is made.");
  });
});

find("token").textContent = token;
setInterval(() => document.visibilityState === "visible" && status.customer_id && readUsage(), 5000);
readStatus().then(readUsage).catch((error) => say(error.message));
