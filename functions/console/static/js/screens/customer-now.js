// The open period: drafts as they grow, and where the money goes day by day.

import { html } from "../view.js";
import { all, get, path, post } from "../api.js";
import { Chart } from "../chart.js";
import { add } from "../exact.js";
import { at, useLoaded } from "../hooks.js";
import { date, midnight, money, monthStart, period, plotted, symbol, words } from "../format.js";
import { Lines } from "../invoice-lines.js";
import { Empty, Figure, Figures, Loaded, Panel, State } from "../parts.js";

const LIVE = 3000;

export function Now({ customer, now }) {
  const drafts = useLoaded((signal) => all((next) => get(path`/v1/customers/${customer.id}/invoices`, { status: "DRAFT", next_page: next }, signal)), [customer.id], { every: LIVE });
  const net = useLoaded((signal) => post("/v1/contracts/customerBalances/getNetBalance", { customer_id: customer.id }, undefined, signal), [customer.id], { every: LIVE * 3 });
  return html`<${Figures}>
      <${Owed} drafts=${drafts} />
      <${Figure} name="net" label="Commits and credits left" value=${net.value ? money(net.value.data.balance, net.value.data.credit_type) : net.error ? "?" : "…"} note=${net.error?.message ?? html`<a href=${at("customers", customer.id, "balances")}>Balances</a>`} />
    <//>
    <${Loaded} state=${drafts} what="the drafts">${(found) =>
      found.length === 0
        ? html`<${Panel} title="Draft invoices"><${Empty} title="No open invoice">A contract opens one. Under Contracts you see what is agreed.<//><//>`
        : found.map((draft) => html`<${Draft} key=${draft.id} draft=${draft} busy=${drafts.busy} />`)}<//>
    <${Daily} customer=${customer} now=${now} />`;
}

function Owed({ drafts }) {
  const units = new Map();
  for (const draft of drafts.value ?? []) {
    const unit = draft.credit_type;
    units.set(unit.id, { unit, total: add(units.get(unit.id)?.total ?? 0, draft.total) });
  }
  const texts = [...units.values()].map(({ unit, total }) => money(total, unit));
  const value = drafts.value ? texts[0] ?? money(0) : drafts.error ? "?" : "…";
  return html`<${Figure} name="owed" label="To be paid so far" value=${value} note=${texts.length > 1 ? `and ${texts.slice(1).join(", ")}` : "all open drafts, after credits"} />`;
}

function Draft({ draft }) {
  const title = draft.start_timestamp ? `Draft for ${period(draft.start_timestamp, draft.end_timestamp)}` : `Draft: ${words(draft.type)}`;
  return html`<${Panel} title=${title} note=${`final on ${date(draft.issued_at)}`} wide actions=${html`<span class="live" title="Refreshed every ${LIVE / 1000} seconds">live</span> <a href=${at("customers", draft.customer_id, "invoices", draft.id)}>Open</a>`}>
    <div data-draft=${draft.id}><${Lines} invoice=${draft} /></div>
  <//>`;
}

function Daily({ customer, now }) {
  const start = monthStart(now);
  const end = midnight(now, 1);
  const rows = useLoaded(
    (signal) => all((next) => get(path`/v1/customers/${customer.id}/invoices/breakdowns`, { window_size: "day", starting_on: start, ending_before: end, limit: 100, next_page: next }, signal)),
    [customer.id, start, end],
    { every: LIVE * 3 },
  );
  return html`<${Panel} title="Spend by product" note="this month by day, before commits and credits" wide><${Loaded} state=${rows} what="spend">${(found) => html`<${Spend} rows=${found} />`}<//><//>`;
}

/** One chart per pricing unit: they cannot be stacked on each other. */
export function Spend({ rows }) {
  const units = new Map();
  for (const row of rows) {
    for (const line of row.line_items) {
      if (line.type === "applied_commit_or_credit" || line.type === "cpu_conversion") continue;
      const unit = units.get(line.credit_type.id) ?? { type: line.credit_type, days: new Set(), products: new Map() };
      units.set(line.credit_type.id, unit);
      unit.days.add(row.breakdown_start_timestamp);
      const days = unit.products.get(line.name) ?? new Map();
      unit.products.set(line.name, days);
      const day = row.breakdown_start_timestamp;
      days.set(day, add(days.get(day) ?? 0, line.total));
    }
  }
  if (units.size === 0) return html`<${Empty} title="Nothing was spent yet">Amounts appear with the first usage that has a price.<//>`;
  const days = [...new Set(rows.map((row) => row.breakdown_start_timestamp))].sort();
  return [...units.values()].map(
    ({ type, products }) => html`<${Chart} key=${type.id} label=${`Spend by product and day in ${type.name}`} times=${days} labelOf=${date}
      tell=${(value) => money(value ?? 0, type)} height=${(value) => plotted(value ?? 0, type)} unit=${symbol(type)}
      series=${[...products].map(([label, amounts]) => ({ label, values: days.map((day) => amounts.get(day) ?? 0) }))} />`,
  );
}
