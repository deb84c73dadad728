// Commits and credits: what is left of each, and how it burned down.

import { html } from "../view.js";
import { all, post } from "../api.js";
import { Chart } from "../chart.js";
import { add, sign } from "../exact.js";
import { at, useLoaded } from "../hooks.js";
import { date, money, period, plotted, symbol, words } from "../format.js";
import { Badge, Empty, Loaded, Panel, Table, Time } from "../parts.js";

export function Balances({ customer, now }) {
  const balances = useLoaded(
    (signal) =>
      all((next) =>
        post("/v1/contracts/customerBalances/list", { customer_id: customer.id, include_balance: true, include_ledgers: true, include_contract_balances: true, ...(next && { next_page: next }) }, undefined, signal),
      ),
    [customer.id],
    { every: 10_000 },
  );
  return html`<${Loaded} state=${balances} what="balances">${(found) =>
    found.length === 0
      ? html`<${Panel} title="Commits and credits"><${Empty} title="Neither commits nor credits">They are given by a contract, or by POST /v1/contracts/customerCredits/create.<//><//>`
      : found.map((balance) => html`<${Balance} key=${balance.id} balance=${balance} customer=${customer} now=${now} />`)}<//>`;
}

function Balance({ balance, customer, now }) {
  const items = balance.access_schedule?.schedule_items ?? [];
  const unit = balance.access_schedule?.credit_type;
  const granted = add(0, ...items.map((item) => item.amount));
  const share = sign(granted) > 0 ? Math.max(0, Math.min(1, Number(balance.balance) / Number(granted))) : 0;
  const name = balance.name ?? balance.product.name;
  return html`<${Panel} title=${name} wide note=${`priority ${balance.priority}`} actions=${html`<${Badge}>${words(balance.type)}<//>`}>
    <div class="left" data-balance=${balance.id}>
      <p><b class="value">${money(balance.balance, unit)}</b> left of ${money(granted, unit)}</p>
      <meter min="0" max="1" value=${share} aria-label=${`Left of ${name}`}></meter>
      <p class="note">${items.map((item) => `${money(item.amount, unit)} for ${period(item.starting_at, item.ending_before)}`).join(" · ")}</p>
    </div>
    <${Burning} name=${name} ledger=${balance.ledger ?? []} unit=${unit} now=${now} />
    <details><summary>Ledger, ${(balance.ledger ?? []).length} entries</summary><${Ledger} balance=${balance} unit=${unit} customer=${customer} /></details>
  <//>`;
}

/** What was left after each entry, up to now; drafts' deductions are dated ahead. */
function Burning({ name, ledger, unit, now }) {
  if (ledger.length === 0) return null;
  const left = [];
  for (const entry of ledger) {
    const before = left.at(-1)?.amount ?? 0;
    const amount = add(before, entry.amount);
    if (left.at(-1)?.time === entry.timestamp) left.at(-1).amount = amount;
    else left.push({ time: entry.timestamp, amount });
  }
  if (left.at(-1).time < now) left.push({ time: now, amount: left.at(-1).amount });
  return html`<${Chart} label=${`What was left of ${name}`} kind="steps" times=${left.map((one) => one.time)} labelOf=${date}
    tell=${(value) => money(value, unit)} height=${(value) => plotted(value, unit)} unit=${symbol(unit)} series=${[{ label: "Left", values: left.map((one) => one.amount) }]} />`;
}

function Ledger({ balance, unit, customer }) {
  const entries = balance.ledger ?? [];
  return html`<${Table} caption=${`Ledger of ${balance.name ?? balance.product.name}`} rows=${entries} rowKey=${(entry, place) => place} columns=${[
    { title: "When", cell: (entry) => html`<${Time} of=${entry.timestamp} />` },
    { title: "What", cell: (entry) => html`${words(entry.type)}${entry.reason ? `: ${entry.reason}` : ""}${entry.invoice_id && html` <a href=${at("customers", customer.id, "invoices", entry.invoice_id)}>invoice</a>`}` },
    { title: "Amount", right: true, name: "amount", cell: (entry) => html`<span class=${sign(entry.amount) < 0 ? "" : "given"}>${money(entry.amount, unit)}</span>` },
  ]} />`;
}
