// What is sold and what it costs: products, metrics, and price lists with their dates.

import { html, useState } from "../view.js";
import { all, get, post } from "../api.js";
import { add } from "../exact.js";
import { at, useLoaded } from "../hooks.js";
import { date, midnight, money, period, price, quantity, words } from "../format.js";
import { Badge, Choice, Empty, Field, Groups, Id, Loaded, Panel, Screen, Table, Tabs, Time } from "../parts.js";

export function Catalog({ steps, now }) {
  if (steps[1] === "rate-cards" && steps[2]) return html`<${RateCard} key=${steps[2]} id=${steps[2]} now=${now} />`;
  const tab = ["products", "metrics"].includes(steps[1]) ? steps[1] : "rate-cards";
  return html`<${Screen} title="Catalog">
    <${Tabs} label="Kinds of things" current=${tab} tabs=${[["rate-cards", "Rate cards", at("catalog")], ["products", "Products", at("catalog", "products")], ["metrics", "Billable metrics", at("catalog", "metrics")]]} />
    ${tab === "rate-cards" ? html`<${RateCards} />` : tab === "products" ? html`<${Products} />` : html`<${Metrics} />`}
  <//>`;
}

function RateCards() {
  const cards = useLoaded((signal) => all((next) => post("/v1/contract-pricing/rate-cards/list", {}, { limit: 100, next_page: next }, signal)), []);
  return html`<${Panel} title="Rate cards" wide><${Loaded} state=${cards} what="rate cards">${(found) =>
    html`<${Table} caption="Rate cards" rows=${found} empty=${html`<${Empty} title="No price list yet">Create one with POST /v1/contract-pricing/rate-cards/create.<//>`} columns=${[
      { title: "Name", cell: (card) => html`<a href=${at("catalog", "rate-cards", card.id)}>${card.name}</a>` },
      { title: "Description", cell: (card) => card.description ?? "–" },
      { title: "Pays in", cell: (card) => card.fiat_credit_type?.name ?? "–" },
      { title: "Created", right: true, cell: (card) => html`<${Time} of=${card.created_at} />` },
    ]} />`}<//><//>`;
}

function Products() {
  const products = useLoaded((signal) => all((next) => post("/v1/contract-pricing/products/list", {}, { limit: 100, next_page: next }, signal)), []);
  return html`<${Panel} title="Products" wide><${Loaded} state=${products} what="products">${(found) =>
    html`<${Table} caption="Products" rows=${found} empty=${html`<${Empty} title="No products yet">Create one with POST /v1/contract-pricing/products/create.<//>`} columns=${[
      { title: "Name", cell: (one) => one.current.name },
      { title: "Kind", cell: (one) => words(one.type) },
      { title: "Priced by", cell: (one) => (one.current.pricing_group_key ?? []).join(", ") || "–" },
      { title: "Tags", cell: (one) => (one.current.tags ?? []).join(", ") || "–" },
      { title: "Id", right: true, cell: (one) => html`<${Id} of=${one.id} />` },
    ]} />`}<//><//>`;
}

function Metrics() {
  const metrics = useLoaded((signal) => all((next) => get("/v1/billable-metrics", { limit: 100, next_page: next }, signal)), []);
  return html`<${Panel} title="Billable metrics" wide><${Loaded} state=${metrics} what="metrics">${(found) =>
    html`<${Table} caption="Billable metrics" rows=${found} empty=${html`<${Empty} title="Nothing is counted yet">Create a metric with POST /v1/billable-metrics/create.<//>`} columns=${[
      { title: "Name", cell: (one) => one.name },
      { title: "Counts", cell: (one) => (one.sql ? "by SQL" : `${String(one.aggregation_type).toLowerCase()}${one.aggregation_key ? ` of ${one.aggregation_key}` : ""}`) },
      { title: "Events", cell: (one) => (one.event_type_filter?.in_values ?? []).join(", ") || "all" },
      { title: "Groups", cell: (one) => (one.group_keys ?? []).map((keys) => keys.join(" + ")).join(", ") || "–" },
      { title: "Id", right: true, cell: (one) => html`<${Id} of=${one.id} />` },
    ]} />`}<//><//>`;
}

function RateCard({ id, now }) {
  const [day, setDay] = useState(midnight(now).slice(0, 10));
  const [view, setView] = useState("day");
  const card = useLoaded((signal) => post("/v1/contract-pricing/rate-cards/get", { id }, undefined, signal), [id]);
  return html`<${Screen} title=${card.value?.data.name ?? "Rate card"} lead=${html`<span class="facts"><a href=${at("catalog")}>Catalog</a>${card.value?.data.description && html`<span>${card.value.data.description}</span>`}<span>Id <${Id} of=${id} /></span></span>`}>
    <div class="bar"><${Choice} label="Which prices" value=${view} onChange=${setView} options=${[["day", "On a day"], ["all", "All changes"]]} />
      ${view === "day" && html`<label class="field bare"><span class="hidden">Day</span><input type="date" value=${day} required onChange=${(event) => event.currentTarget.value && setDay(event.currentTarget.value)} /></label>`}</div>
    ${view === "day" ? html`<${OnDay} key=${day} id=${id} day=${day} />` : html`<${Changes} id=${id} card=${card.value?.data} />`}
  <//>`;
}

function OnDay({ id, day }) {
  const rates = useLoaded((signal) => all((next) => post("/v1/contract-pricing/rate-cards/getRates", { rate_card_id: id, at: `${day}T00:00:00Z` }, { limit: 100, next_page: next }, signal)), [id, day]);
  return html`<${Panel} title=${`Prices on ${date(`${day}T00:00:00Z`)}`} wide><${Loaded} state=${rates} what="prices">${(found) => html`<${Rates} rates=${found} />`}<//><//>`;
}

function Changes({ id, card }) {
  const from = card?.created_at ? midnight(card.created_at) : undefined;
  const first = useLoaded(
    (signal) => all((next) => post("/v1/contract-pricing/rate-cards/getRateSchedule", { rate_card_id: id, starting_at: "1970-01-01T00:00:00Z" }, { limit: 100, next_page: next }, signal)),
    [id, from],
  );
  return html`<${Panel} title="All prices there were, are and will be" wide><${Loaded} state=${first} what="prices">${(found) => html`<${Rates} rates=${found} dated />`}<//><//>`;
}

/** Prices by product: one row each, with its ladder where it has steps. */
function Rates({ rates, dated }) {
  const products = new Map();
  for (const rate of rates) products.set(rate.product_id, [...(products.get(rate.product_id) ?? []), rate]);
  if (products.size === 0) return html`<${Empty} title="No prices at that time">Add some with POST /v1/contract-pricing/rate-cards/addRates.<//>`;
  return [...products].map(([productId, found]) => html`<section class="priced" key=${productId}>
    <h3>${found[0].product_name}</h3>
    <${Table} caption=${`Prices of ${found[0].product_name}`} rows=${found} rowKey=${(one, place) => place} columns=${[
      { title: "For", cell: (one) => html`<span class="named">${Object.keys(one.pricing_group_values ?? {}).length ? html`<${Groups} of=${one.pricing_group_values} />` : "all of it"}${!one.entitled && html` <${Badge} tone="mute">not entitled<//>`}</span>` },
      { title: "Kind", cell: (one) => words(one.rate.rate_type) + (one.billing_frequency ? `, ${one.billing_frequency.toLowerCase()}` : "") },
      { title: "Price", right: true, name: "price", cell: (one) => html`<${Price} rate=${one.rate} />` },
      { title: dated ? "When" : "Since", right: true, cell: (one) => (dated ? period(one.starting_at, one.ending_before) : date(one.starting_at)) },
    ]} />
  </section>`);
}

function Price({ rate }) {
  if (!rate.tiers?.length) return rate.price === undefined ? "–" : rate.rate_type === "PERCENTAGE" ? `${quantity(rate.price)} of the amount` : price(rate.price, rate.credit_type);
  let from = 0;
  return html`<ol class="ladder">${rate.tiers.map((tier) => {
    const start = from;
    from = tier.size === undefined || tier.size === null ? null : add(from, tier.size);
    return html`<li><span>${from === null ? `over ${quantity(start)}` : `${quantity(start)} – ${quantity(from)}`}</span><b>${price(tier.price, rate.credit_type)}</b></li>`;
  })}</ol>`;
}
