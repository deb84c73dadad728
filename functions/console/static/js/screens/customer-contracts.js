// What was agreed, when, and how it was changed.

import { html } from "../view.js";
import { post } from "../api.js";
import { at, useLoaded } from "../hooks.js";
import { date, money, period, quantity, time, words } from "../format.js";
import { Badge, Code, Empty, Id, Loaded, Panel, Table, Time } from "../parts.js";

export function Contracts({ customer, now }) {
  const contracts = useLoaded((signal) => post("/v2/contracts/list", { customer_id: customer.id, include_archived: true }, undefined, signal), [customer.id]);
  return html`<${Loaded} state=${contracts} what="contracts">${({ data }) =>
    data.length === 0
      ? html`<${Panel} title="Contracts"><${Empty} title="No contract yet">Create one with POST /v1/contracts/create: it names the rate card that prices this customer's usage.<//><//>`
      : html`<${Timeline} contracts=${data} now=${now} />${data.map((contract) => html`<${Contract} key=${contract.id} contract=${contract} />`)}`}<//>`;
}

const named = (contract) => contract.name ?? `Contract of ${date(contract.starting_at)}`;

/** Bars from start to end over the time that all of them span; those without an end run on. */
function Timeline({ contracts, now }) {
  const stretches = contracts.flatMap((contract) => [
    { label: named(contract), start: contract.starting_at, end: contract.ending_before, kind: "contract" },
    ...(contract.subscriptions ?? []).map((one) => ({ label: one.subscription_rate.product.name, start: one.starting_at, end: one.ending_before, kind: "subscription" })),
    ...[...(contract.commits ?? []), ...(contract.credits ?? [])].flatMap((one) =>
      (one.access_schedule?.schedule_items ?? []).map((item) => ({ label: one.name ?? one.product.name, start: item.starting_at, end: item.ending_before, kind: "balance" })),
    ),
  ]);
  const edges = stretches.flatMap(({ start, end }) => [start, end]).filter(Boolean).map((one) => Date.parse(one));
  const low = Math.min(...edges, Date.parse(now));
  const high = Math.max(...edges, Date.parse(now)) + 30 * 86_400_000;
  const share = (instant) => `${(((instant === undefined || instant === null ? high : Date.parse(instant)) - low) / (high - low)) * 100}%`;
  return html`<${Panel} title="Timeline" note=${`${date(new Date(low))} to ${date(new Date(high))}`} wide>
    <ol class="timeline">${stretches.map(
      ({ label, start, end, kind }) => html`<li><span class="what">${label}</span><span class="track"><i class=${`${kind}${end ? "" : " open"}`} style=${{ left: share(start), right: `calc(100% - ${share(end)})` }} title=${`${label}: ${period(start, end)}`}></i><i class="now" style=${{ left: share(now) }}></i></span><small>${period(start, end)}</small></li>`,
    )}</ol>
  <//>`;
}

function Contract({ contract }) {
  const history = useLoaded((signal) => post("/v2/contracts/getEditHistory", { customer_id: contract.customer_id, contract_id: contract.id }, undefined, signal), [contract.id]);
  return html`<${Panel} title=${named(contract)} note=${period(contract.starting_at, contract.ending_before)} wide actions=${contract.archived_at && html`<${Badge} tone="mute">archived<//>`}>
    <dl class="facts">
      <div><dt>Id</dt><dd><${Id} of=${contract.id} /></dd></div>
      ${contract.rate_card_id && html`<div><dt>Prices</dt><dd><a href=${at("catalog", "rate-cards", contract.rate_card_id)}>Rate card</a></dd></div>`}
      <div><dt>Billed</dt><dd>${words(contract.usage_statement_schedule?.frequency)}, from ${date(contract.usage_statement_schedule?.billing_anchor_date)}</dd></div>
      ${contract.net_payment_terms_days !== undefined && html`<div><dt>Payment</dt><dd>within ${contract.net_payment_terms_days} days</dd></div>`}
    </dl>
    ${contract.subscriptions?.length > 0 && html`<h3>Subscriptions</h3><${Table} caption="Subscriptions" rows=${contract.subscriptions} columns=${[
      { title: "Product", cell: (one) => one.subscription_rate.product.name },
      { title: "Billed", cell: (one) => `${words(one.subscription_rate.billing_frequency)}, in ${one.collection_schedule.toLowerCase()}` },
      { title: "Quantity", right: true, cell: (one) => quantity(one.quantity_schedule?.at(-1)?.quantity) },
      { title: "Since", right: true, cell: (one) => period(one.starting_at, one.ending_before) },
    ]} />`}
    ${contract.overrides?.length > 0 && html`<h3>Overrides</h3><${Table} caption="Overrides" rows=${contract.overrides} columns=${[
      { title: "Of", cell: (one) => one.product?.name ?? (one.override_specifiers ? "specified products" : "all products") },
      { title: "What", cell: (one) => (one.multiplier !== undefined ? `× ${one.multiplier}` : one.entitled !== undefined && !one.overwrite_rate ? (one.entitled ? "entitled" : "not entitled") : one.overwrite_rate?.price !== undefined ? money(one.overwrite_rate.price, one.overwrite_rate.credit_type) : words(one.type)) },
      { title: "When", right: true, cell: (one) => period(one.starting_at, one.ending_before) },
    ]} />`}
    <h3>Edit history</h3>
    <${Loaded} state=${history} what="the edit history" lines=${1}>${({ data }) =>
      html`<${Table} caption="Edit history" rows=${[...data].reverse()} empty=${html`<p class="note">As it was agreed: never edited.</p>`} columns=${[
        { title: "When", cell: (one) => html`<${Time} of=${one.timestamp} />` },
        { title: "What changed", cell: (one) => changes(one) },
      ]} detail=${(one) => html`<${Code} text=${one} label="The edit" />`} />`}<//>
  <//>`;
}

const ABOUT = ["id", "timestamp", "uniqueness_key"];

function changes(edit) {
  return Object.entries(edit)
    .filter(([name, value]) => !ABOUT.includes(name) && (Array.isArray(value) ? value.length : value !== null))
    .map(([name, value]) => words(name) + (Array.isArray(value) && value.length > 1 ? ` (${value.length})` : ""))
    .join(", ");
}
