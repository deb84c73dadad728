// Who has which plan: onboarding, what is offered, and changes that somebody has to look at.

import { html, useState } from "../view.js";
import { get, optional, path, post } from "../api.js";
import { at, go, useAction, useLoaded } from "../hooks.js";
import { quantity, time, words } from "../format.js";
import { Button, Choice, Code, Dialog, Do, Empty, Field, Form, Loaded, Panel, Screen, Select, State, Table, Tabs, Time } from "../parts.js";
import { Plan, whole } from "./plan.js";

export const useOffers = () => useLoaded((signal) => optional(get("/api/catalog", {}, signal)), []);

export function Plans({ steps }) {
  const offers = useOffers();
  if (offers.value === null) return html`<${Screen} title="Plans"><${Empty} title="The billing handlers are not here">This stage does not answer at /api.<//><//>`;
  if (steps[1] === "of" && steps[2]) return html`<${Plan} key=${steps[2]} id=${steps[2]} offers=${offers.value?.data} />`;
  const tab = ["offers", "operations"].includes(steps[1]) ? steps[1] : "entities";
  return html`<${Screen} title="Plans" lead="Customers of the billing handlers, their tiers and payments" actions=${tab === "entities" && offers.value && html`<${Onboard} offers=${offers.value.data} />`}>
    <${Tabs} label="About plans" current=${tab} tabs=${[["entities", "Customers", at("plans")], ["offers", "Tiers", at("plans", "offers")], ["operations", "Operations", at("plans", "operations")]]} />
    ${tab === "entities" ? html`<${Entities} offers=${offers.value?.data} />` : tab === "offers" ? html`<${Offers} offers=${offers} />` : html`<${Operations} />`}
  <//>`;
}

const PAGE = 25;

function Entities({ offers }) {
  const [search, setSearch] = useState("");
  const [tier, setTier] = useState("");
  const [trail, setTrail] = useState([undefined]);
  const next = trail.at(-1);
  const rows = useLoaded((signal) => get("/api/customers", { limit: PAGE, search, tier, next_page: next }, signal), [search, tier, next]);
  const narrow = (change) => {
    change();
    setTrail([undefined]);
  };
  return html`<div class="bar">
      <input type="search" aria-label="Search customers with plans" placeholder="Search by name, e-mail or id" value=${search} onChange=${(event) => { const text = event.currentTarget.value.trim(); narrow(() => setSearch(text)); }} />
      ${offers && html`<${Select} label="Tier" hidden value=${tier} onChange=${(value) => narrow(() => setTier(value))} options=${[["", "All tiers"], ...offers.tiers.map((one) => [one.id, one.name])]} />`}
    </div>
    <${Panel} title="Customers with plans" wide><${Loaded} state=${rows} what="customers">${({ data, next_page: more, total }) => html`
      <${Table} caption="Customers with plans" rows=${data} empty=${html`<${Empty} title=${search || tier ? "Nobody fits" : "Nobody is onboarded yet"}>Onboarding makes a customer at Metronome and at Stripe, takes the first payment and agrees on the plan.<//>`} columns=${[
        { title: "Customer", cell: (one) => html`<a href=${at("plans", "of", one.id)}>${one.name}</a>` },
        { title: "E-mail", cell: (one) => one.email },
        { title: "Plan", cell: (one) => (one.tier ? `${words(one.tier)}, ${one.billingPeriod}` : "–") },
        { title: "Credits", right: true, cell: (one) => quantity(one.creditsBalance) },
        { title: "Status", right: true, cell: (one) => html`<${State} of=${one.status} />` },
      ]} />
      ${(trail.length > 1 || more) && html`<div class="pager"><span class="note">${total === undefined ? "" : `${quantity(total)} in all`}</span><${Button} disabled=${trail.length === 1} onClick=${() => setTrail(trail.slice(0, -1))}>Back<//><${Button} disabled=${!more} onClick=${() => setTrail([...trail, more])}>Next<//></div>`}`}<//><//>`;
}

function Onboard({ offers }) {
  const [open, setOpen] = useState(false);
  const [tier, setTier] = useState(offers.tiers[0].id);
  const action = useAction();
  const paid = priceOf(offers, tier) !== 0;
  const byQuote = priceOf(offers, tier) === null;
  const send = (values) =>
    action.act(async () => {
      const made = await post("/api/onboard", {
        entity: { ...(values.id && { id: values.id }), name: values.name, email: values.email, type: values.type },
        tier,
        billingPeriod: values.billingPeriod,
        ...(paid && values.card && { paymentMethodId: values.card }),
        ...(byQuote && { quote: { price: values.price, credits: Number(values.credits) } }),
      });
      setOpen(false);
      go(at("plans", "of", made.entity.id));
    });
  return html`<${Button} tone="primary" onClick=${() => setOpen(true)}>Onboard a customer<//>
    ${open && html`<${Dialog} title="Onboard a customer" close=${() => setOpen(false)}>
      <${Form} submit=${send} action=${action} go="Onboard">
        <${Field} label="Name" name="name" required maxlength="160" />
        <${Field} label="E-mail" name="email" type="email" required />
        <${Field} label="Id in your product" name="id" hint="One is made up where you leave this empty" autocomplete="off" />
        <${Select} label="Kind" name="type" value="organization" options=${[["organization", "Organization"], ["user", "User"]]} />
        <${Select} label="Tier" name="tier" value=${tier} onChange=${setTier} options=${offers.tiers.map((one) => [one.id, `${one.name}, ${one.monthly_price === null ? "by quote" : `${whole(one.monthly_price, offers.currency)} a month`}`])} />
        <${Select} label="Billed" name="billingPeriod" value="monthly" options=${[["monthly", "Monthly"], ["yearly", "Yearly"]]} />
        ${byQuote && html`<${Field} label="Agreed price for a period" name="price" type="number" min="0" step="0.01" required /><${Field} label="Credits a month" name="credits" type="number" min="0" required />`}
        ${paid && html`<${Field} label="Payment method" name="card" required hint="What Stripe calls it: pm_card_visa is a test card that pays, pm_card_chargeDeclined one that does not" value="pm_card_visa" />`}
      <//>
    <//>`}`;
}

const priceOf = (offers, tier) => offers.tiers.find((one) => one.id === tier)?.monthly_price;

function Offers({ offers }) {
  return html`<${Loaded} state=${offers} what="the tiers">${({ data }) => html`
    <div class="tiers">${data.tiers.map((tier) => html`<section class="panel" key=${tier.id} aria-label=${tier.name}>
      <header><h2>${tier.name}</h2></header>
      <p><b class="value">${tier.monthly_price === null ? "By quote" : whole(tier.monthly_price, data.currency)}</b>${tier.monthly_price !== null && html` <span class="note">a month</span>`}</p>
      <p class="note">${tier.yearly_price === null ? "yearly by quote" : `${whole(tier.yearly_price, data.currency)} a year`}</p>
      <ul class="plain"><li>${tier.credits === null ? "credits by quote" : `${quantity(tier.credits)} credits a month`}</li>
        ${Object.entries(tier.limits).map(([name, limit]) => html`<li>${limit === null ? "unlimited" : quantity(limit)} <span class="note">${name}</span></li>`)}
        ${tier.features.map((feature) => html`<li>${words(feature)}</li>`)}</ul>
    </section>`)}</div>
    <p class="note">Version ${data.version}, changes in the middle of a period are billed by the ${data.proration === "daily" ? "day" : "second"}.${data.applied_at ? ` Set up at Metronome on ${time(data.applied_at)}.` : ""}</p>
    <${Do} work=${() => post("/api/catalog/apply", {})} done=${offers.reload}>Set up at Metronome<//>`}<//>`;
}

const LOOKED_AT = [["stuck", "Stuck"], ["waiting", "Waiting"], ["running", "Running"], ["compensating", "Taken back"], ["failed", "Failed"], ["done", "Done"]];

function Operations() {
  const [status, setStatus] = useState("stuck");
  const rows = useLoaded((signal) => get("/api/operations", { status, limit: 50 }, signal), [status], { every: 5000 });
  return html`<div class="bar"><${Choice} label="Which operations" value=${status} onChange=${setStatus} options=${LOOKED_AT} /></div>
    <${Panel} title="Operations" note="changes that reach across systems" wide><${Loaded} state=${rows} what="operations">${({ data }) => html`<${OperationRows} rows=${data} changed=${rows.reload} empty=${html`<${Empty} title=${status === "stuck" ? "Nothing is stuck" : "None of this kind"}>${status === "stuck" ? "What a crash interrupts goes on by itself; what cannot go on shows here." : null}<//>`} />`}<//><//>`;
}

export function OperationRows({ rows, changed, empty }) {
  return html`<${Table} caption="Operations" rows=${rows} empty=${empty} detail=${(one) => html`<${Code} text=${one} label="The operation" />`} columns=${[
    { title: "What", cell: (one) => html`${words(one.kind)}${one.plan && html` <span class="note">to ${one.plan.tier}</span>`}` },
    { title: "Customer", cell: (one) => html`<a href=${at("plans", "of", one.entityId)}>${one.entityId}</a>` },
    { title: "Step", cell: (one) => words(one.step) },
    { title: "Why", cell: (one) => one.error?.message ?? (one.payment?.status && one.payment.status !== "none" ? `payment ${words(one.payment.status).toLowerCase()}` : "–") },
    { title: "Since", cell: (one) => html`<${Time} of=${one.createdAt} />` },
    { title: "Status", right: true, cell: (one) => html`<${State} of=${one.status} />` },
    { title: "", right: true, cell: (one) => !["done", "failed"].includes(one.status) && html`<span class="actions"><${Do} tone="small" label=${`Try ${one.kind} again`} work=${() => post(path`/api/operations/${one.id}/retry`, {})} done=${changed}>Try again<//><${Do} tone="small danger" label=${`Take ${one.kind} back`} work=${() => post(path`/api/operations/${one.id}/cancel`)} done=${changed} confirm=${{ title: "Take this operation back?", text: "What it did already is undone where that can be.", yes: "Take it back" }}>Take back<//></span>` },
  ]} />`;
}
