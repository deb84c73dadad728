// How things stand: what is open, what was sent, who is new.

import { html, useEffect, useState } from "../view.js";
import { get, optional, pages } from "../api.js";
import { add, compare, sign } from "../exact.js";
import { at, useLoaded } from "../hooks.js";
import { money, quantity, time } from "../format.js";
import { Empty, Figure, Figures, Loaded, Panel, Screen, State, Table, Time, Unrated } from "../parts.js";

export function Overview({ clock }) {
  const spend = useOpenSpend(clock?.now);
  const pending = useLoaded((signal) => get("/webhooks/deliveries", { state: "pending", limit: BACKLOG }, signal), [], { every: 5000 });
  const dead = useLoaded((signal) => get("/webhooks/deliveries", { state: "dead", limit: BACKLOG }, signal), [], { every: 15000 });
  const runs = useLoaded((signal) => optional(get("/metering/v1/reconciliation/runs", { limit: 1 }, signal)), [], { every: 15000 });
  return html`<${Screen} title="Overview" lead=${clock ? `As of ${time(clock.now)} UTC` : "As of now"}>
    <${Figures}>
      <${Spent} spend=${spend} />
      <${Figure} name="drafts" label="Open drafts" value=${spend.totals ? quantity(drafts(spend)) : "…"} note=${progress(spend)} />
      <${Figure} name="backlog" label="Webhooks waiting" value=${counted(pending)} tone=${some(pending) ? "warn" : ""} note=${html`<a href=${at("webhooks")}>All deliveries</a>`} />
      <${Figure} name="dead" label="Webhooks given up" value=${counted(dead)} tone=${some(dead) ? "bad" : ""} note=${some(dead) ? "Can be sent again" : "None lost"} />
      ${runs.value && html`<${Drift} run=${runs.value.data[0]} />`}
    <//>
    <div class="grid">
      <${Panel} title="Used in open periods" note=${progress(spend)} wide><${Used} spend=${spend} /><//>
      <${Panel} title="Customers" actions=${html`<a href=${at("customers")}>All customers</a>`}><${SomeCustomers} /><//>
      <${Panel} title="Latest webhooks" actions=${html`<a href=${at("webhooks")}>All deliveries</a>`}><${Deliveries} /><//>
    </div>
  <//>`;
}

const BACKLOG = 100;
const FEW = 5;
const MANY = 50;
const SHOWN = 6;

const some = (state) => (state.value?.data.length ?? 0) > 0;
const drafts = (spend) => spend.totals.reduce((sum, one) => sum + one.drafts, 0);

function counted(state) {
  if (!state.value) return state.error ? "?" : "…";
  return state.value.next_page ? `over ${BACKLOG}` : String(state.value.data.length);
}

function progress({ done, customers, error }) {
  if (error) return `stopped after ${quantity(customers)} customers: ${error.message}`;
  return done ? `of ${quantity(customers)} customers` : `${quantity(customers)} customers so far …`;
}

function Spent({ spend }) {
  if (!spend.totals) return html`<${Figure} name="spend" label="Spend so far" value="…" note=${progress(spend)} />`;
  const [first, ...others] = [...spend.totals].sort((a, b) => compare(b.total, a.total));
  return html`<${Figure} name="spend" label="Spend so far" value=${first ? money(first.total, first.credit_type) : "0"} note=${others.length ? others.map((one) => money(one.total, one.credit_type)).join(" · ") : first ? "to be paid, after credits" : "no open drafts"} />`;
}

/** How far metered usage is from what Stripe knows, in the latest comparison. */
function Drift({ run }) {
  const link = html`<a href=${at("metering")}>Reconciliation</a>`;
  if (!run) return html`<${Figure} name="drift" label="Drift" value="–" note=${html`never compared · ${link}`} />`;
  return html`<${Figure} name="drift" label="Drift" value=${quantity(run.drift_abs)} tone=${sign(run.drift_abs) ? "bad" : ""} note=${html`as of ${time(run.started_at)} · ${link}`} />`;
}

function Used({ spend }) {
  if (!spend.products) return html`<${Loaded} state=${{ error: spend.error }} />`;
  return html`<${Table} caption="Usage of open periods by product" rows=${spend.products} rowKey=${(row) => row.product_id + row.credit_type.id}
    empty=${spend.done ? html`<${Empty} title="No usage in open periods">Send events to <code>POST /v1/ingest</code>, or try the demo shop.<//>` : html`<p class="note">Counting …</p>`}
    columns=${[
      { title: "Product", cell: (row) => row.name },
      { title: "Quantity", right: true, name: "quantity", cell: (row) => quantity(row.quantity) },
      { title: "Before credits", right: true, name: "total", cell: (row) => money(row.total, row.credit_type) },
    ]} />
    <${Unrated} customers=${spend.failed} />`;
}

/** The newest ones, where all of them fit into one page: the API lists the oldest first. */
function SomeCustomers() {
  const customers = useLoaded((signal) => get("/v1/customers", { limit: 100 }, signal), []);
  return html`<${Loaded} state=${customers} what="customers">${({ data, next_page: more }) =>
    html`<${Table} caption="Customers" rows=${(more ? data : [...data].reverse()).slice(0, SHOWN)} rowKey=${(row) => row.id}
      empty=${html`<${Empty} title="No customers yet">Create one under Customers, or run the README's tour with this token.<//>`}
      columns=${[
        { title: "Name", cell: (row) => html`<a href=${at("customers", row.id)}>${row.name}</a>` },
        { title: "Created", right: true, cell: (row) => html`<${Time} of=${row.created_at} />` },
      ]} />`}<//>`;
}

function Deliveries() {
  const deliveries = useLoaded((signal) => get("/webhooks/deliveries", { limit: SHOWN }, signal), [], { every: 5000 });
  return html`<${Loaded} state=${deliveries} what="deliveries">${({ data }) =>
    html`<${Table} caption="Latest webhooks" rows=${data} rowKey=${(row, place) => `${row.event_id} ${row.target} ${place}`}
      empty=${html`<${Empty} title="Nothing was sent yet">Add a target under Webhooks to be told of finished invoices, alerts and more.<//>`}
      columns=${[
        { title: "Event", cell: (row) => row.event_type },
        { title: "State", right: true, cell: (row) => html`<${State} of=${row.state} />` },
      ]} />`}<//>`;
}

/** Adds up what all customers have spent, page by page, and begins again when the clock moved. */
function useOpenSpend(now) {
  const [spend, setSpend] = useState({ customers: 0, failed: [] });
  const day = now?.slice(0, 13);
  useEffect(() => {
    const aborter = new AbortController();
    countUp(aborter.signal, setSpend);
    return () => aborter.abort();
  }, [day]);
  return spend;
}

async function countUp(signal, tell) {
  const sum = { customers: 0, failed: [], totals: new Map(), products: new Map() };
  const shown = (more) => tell({ ...sum, totals: [...sum.totals.values()], products: [...sum.products.values()], ...more });
  try {
    // A few at first, so that there is something to see while the server works on.
    for await (const { data } of pages((next) => get("/reports/open", { limit: next ? MANY : FEW, next_page: next }, signal))) {
      sum.customers += data.customers;
      sum.failed.push(...data.failed);
      for (const one of data.totals) into(sum.totals, one.credit_type.id, one, ["drafts", "total"]);
      for (const one of data.products) into(sum.products, `${one.product_id} ${one.credit_type.id}`, one, ["quantity", "total"]);
      shown({ done: false });
    }
    shown({ done: true });
  } catch (error) {
    if (error.name !== "AbortError") shown({ done: false, error });
  }
}

function into(map, key, one, amounts) {
  const before = map.get(key);
  const summed = before && Object.fromEntries(amounts.map((name) => [name, name === "drafts" ? before[name] + one[name] : add(before[name], one[name])]));
  map.set(key, { ...one, ...summed });
}
