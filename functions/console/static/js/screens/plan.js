// One customer's plan: what is paid for, what will change, and what it is paid with.

import { html, useState } from "../view.js";
import { call, get, path, post } from "../api.js";
import { grouped, sign } from "../exact.js";
import { at, useAction, useLoaded } from "../hooks.js";
import { date, quantity, time, words } from "../format.js";
import { Badge, Button, Dialog, Do, Empty, Field, Figure, Figures, Form, Id, Loaded, Panel, Screen, Select, State, Table } from "../parts.js";

/** An amount in whole units of its currency, as the billing handlers have them. */
export function whole(amount, currency) {
  if (amount === null || amount === undefined) return "–";
  const text = grouped(amount, { least: sign(amount) && !Number.isInteger(Number(amount)) ? 2 : 0 });
  return currency === "usd" ? (text.startsWith("−") ? `−$${text.slice(1)}` : `$${text}`) : `${text} ${String(currency).toUpperCase()}`;
}

const REFRESH = 3000;

export function Plan({ id, offers }) {
  const plan = useLoaded((signal) => get(path`/api/subscription/${id}`, {}, signal), [id], { every: REFRESH });
  const state = useLoaded((signal) => get(path`/api/onboarding/${id}`, {}, signal), [id], { every: REFRESH });
  const reload = () => {
    plan.reload();
    state.reload();
  };
  return html`<${Screen} title=${id} lead=${html`<span class="facts"><a href=${at("plans")}>Plans</a>${state.value?.metronomeCustomerId && html`<span>At Metronome <a href=${at("customers", state.value.metronomeCustomerId)}>customer</a></span>`}${state.value?.stripeCustomerId && html`<span>At Stripe <${Id} of=${state.value.stripeCustomerId} /></span>`}</span>`}
    actions=${plan.value && offers && html`<${Actions} id=${id} plan=${plan.value} offers=${offers} done=${reload} />`}>
    <${Loaded} state=${plan} what="the plan">${(found) => html`<${Standing} plan=${found} id=${id} done=${reload} />`}<//>
    ${state.value?.operation && html`<${UnderWay} operation=${state.value.operation} done=${reload} />`}
    <${Cards} id=${id} done=${reload} />
    <${Invoices} id=${id} />
    <${Credits} id=${id} />
  <//>`;
}

function Standing({ plan, id, done }) {
  return html`<${Figures}>
      <${Figure} name="tier" label="Plan" value=${words(plan.tier)} note=${`${whole(plan.price, plan.currency)} ${plan.billingPeriod}`} />
      <${Figure} name="status" label="Status" value=${words(plan.status)} tone=${plan.status === "active" ? "" : "warn"} note=${plan.canceledAt ? `ended ${date(plan.canceledAt)}` : plan.cancelAt ? `ends ${date(plan.cancelAt)}` : `period to ${date(plan.currentPeriodEnd)}`} />
      <${Figure} name="credits" label="Credits" value=${quantity(plan.creditsBalance)} />
      <${Figure} name="next" label="Next invoice" value=${plan.nextInvoiceDate ? date(plan.nextInvoiceDate) : "none"} />
    <//>
    ${plan.scheduledChange && html`<${Panel} title="To change" wide><p>${words(plan.scheduledChange.tier)}, ${plan.scheduledChange.billingPeriod}, from ${date(plan.scheduledChange.effectiveDate)} on.</p>
      <${Do} work=${() => call("DELETE", path`/api/subscription/${id}/scheduled-change`)} done=${done}>Keep the plan as it is<//><//>`}`;
}

function UnderWay({ operation, done }) {
  const waits = operation.payment?.status === "action_required";
  return html`<${Panel} title="Under way" wide actions=${html`<${State} of=${operation.status} />`}>
    <p>${words(operation.kind)}${operation.plan ? ` to ${operation.plan.tier}` : ""}: ${words(operation.step).toLowerCase()}${operation.error ? html` – <span class="problem">${operation.error.message}</span>` : ""}</p>
    ${waits && html`<p class="note">The customer's bank asks for a confirmation. Your product completes it with Stripe's script and the client secret of <code>GET /api/operations/${operation.id}</code>.</p>`}
    <div class="actions"><${Do} work=${() => post(path`/api/operations/${operation.id}/retry`, {})} done=${done}>Try again<//><${Do} tone="danger" work=${() => post(path`/api/operations/${operation.id}/cancel`)} done=${done} confirm=${{ title: "Take this change back?", text: "What it did already is undone where that can be.", yes: "Take it back" }}>Take back<//></div>
  <//>`;
}

function Actions({ id, plan, offers, done }) {
  const [open, setOpen] = useState(false);
  const over = Boolean(plan.canceledAt) || plan.status === "canceled";
  const ending = Boolean(plan.cancelAt);
  return html`${!over && html`<${Button} tone="primary" onClick=${() => setOpen(true)}>Change the plan<//>`}
    ${(over || ending) && html`<${Do} tone="primary" work=${() => post(path`/api/subscription/${id}/reactivate`, {})} done=${done}>Reactivate<//>`}
    ${!over && !ending && html`<${Do} tone="danger" work=${() => post(path`/api/subscription/${id}/cancel`, { when: "period_end" })} done=${done} confirm=${{ title: "Cancel with the period?", text: `The plan ends on ${date(plan.currentPeriodEnd)}; it can be reactivated until then.`, yes: "Cancel the plan" }}>Cancel<//>`}
    ${!over && html`<${Do} tone="danger" work=${() => post(path`/api/subscription/${id}/cancel`, { when: "now" })} done=${done} confirm=${{ title: "Cancel at once?", text: "The plan and its credits end now; what is paid of the rest is credited as the catalogue says.", yes: "Cancel now" }}>Cancel now<//>`}
    ${open && html`<${Change} id=${id} plan=${plan} offers=${offers} close=${() => setOpen(false)} done=${done} />`}`;
}

/** First what it would cost, then the change itself: by the same request, so one equals the other. */
function Change({ id, plan, offers, close, done }) {
  const action = useAction();
  const [asked, setAsked] = useState(null);
  const [quote, setQuote] = useState(null);
  const preview = (values) =>
    action.act(async () => {
      const wanted = { entityId: id, newTier: values.tier, billingPeriod: values.billingPeriod, when: values.when };
      setQuote(await post("/api/tier/preview", wanted));
      setAsked(wanted);
    });
  const confirm = () =>
    action.act(async () => {
      await post("/api/tier/change", asked);
      done();
      close();
    });
  return html`<${Dialog} title="Change the plan" close=${close}>
    ${quote === null
      ? html`<${Form} submit=${preview} action=${action} go="See what it costs">
          <${Select} label="Tier" name="tier" value=${plan.tier} options=${offers.tiers.filter((one) => one.monthly_price !== null).map((one) => [one.id, `${one.name}, ${whole(one.monthly_price, offers.currency)} a month`])} />
          <${Select} label="Billed" name="billingPeriod" value=${plan.billingPeriod} options=${[["monthly", "Monthly"], ["yearly", "Yearly"]]} />
          <${Select} label="When" name="when" value="auto" options=${[["auto", "An upgrade now, a downgrade with the next period"], ["now", "Now"], ["period_end", "With the next period"]]} />
        <//>`
      : html`<div class="quote" data-quote>
          <p>${words(quote.oldTier)} to <b>${words(quote.newTier)}</b>, ${quote.billingPeriod}, from ${time(quote.effectiveDate)} on.</p>
          <p><b class="value">${sign(quote.credited ?? 0) ? `${whole(quote.credited, quote.currency)} credited` : sign(quote.charged ?? 0) ? `${whole(quote.charged, quote.currency)} charged` : "Nothing to pay"}</b></p>
          <p class="note">${quote.scheduled ? "Nothing changes before that day." : `For ${quote.daysLeft} of ${quote.daysTotal} days, to ${date(quote.periodEnd)}.`} ${quantity(quote.monthlyCredits)} credits a month.</p>
          <div class="actions"><${Button} onClick=${() => setQuote(null)}>Back<//><${Button} tone="primary" busy=${action.busy} onClick=${confirm}>Change the plan<//></div>
          ${action.error && html`<p class="problem" role="alert">${action.error.message}</p>`}
        </div>`}
  <//>`;
}

function Cards({ id, done }) {
  const cards = useLoaded((signal) => get(path`/api/customers/${id}/payment-methods`, {}, signal), [id]);
  const action = useAction();
  const changed = () => {
    cards.reload();
    done();
  };
  const add = (values, form) =>
    action.act(async () => {
      await post(path`/api/customers/${id}/payment-methods`, { paymentMethodId: values.card });
      form.reset();
      changed();
    });
  const where = (card) => path`/api/customers/${id}/payment-methods/${card.id}`;
  return html`<${Panel} title="Payment methods" wide><${Loaded} state=${cards} what="payment methods" lines=${1}>${({ data }) =>
    html`<${Table} caption="Payment methods" rows=${data} empty=${html`<${Empty} title="Nothing to pay with">A paid plan needs a payment method.<//>`} columns=${[
      { title: "Card", cell: (card) => html`${words(card.brand ?? card.type)} ending in ${card.last4 ?? "–"} ${card.default && html`<${Badge} tone="good">default<//>`}` },
      { title: "Expires", cell: (card) => (card.expYear ? `${card.expMonth}/${card.expYear}` : "–") },
      { title: "", right: true, cell: (card) => html`<span class="actions">${!card.default && html`<${Do} tone="small" work=${() => post(`${where(card)}/default`)} done=${changed}>Make default<//>`}<${Do} tone="small danger" work=${() => call("DELETE", where(card))} done=${changed} confirm=${{ title: "Remove this card?", text: "Renewals need another one then.", yes: "Remove" }}>Remove<//></span>` },
    ]} />`}<//>
    <${Form} inline submit=${add} action=${action} go="Add" tone=""><${Field} label="Stripe's payment method" name="card" required placeholder="pm_card_visa" /><//>
  <//>`;
}

function Invoices({ id }) {
  const invoices = useLoaded((signal) => get(path`/api/customers/${id}/invoices`, {}, signal), [id], { every: REFRESH });
  return html`<${Panel} title="Invoices" note="as both providers have them" wide><${Loaded} state=${invoices} what="invoices" lines=${1}>${({ data }) =>
    html`<${Table} caption="Invoices of the plan" rows=${data} empty=${html`<${Empty} title="Nothing was billed yet" />`} columns=${[
      { title: "Issued", cell: (bill) => date(bill.createdAt) },
      { title: "At Stripe", cell: (bill) => (bill.stripe ? html`${bill.stripe.number ?? bill.stripe.id} <${State} of=${bill.stripe.status} />` : "–") },
      { title: "At Metronome", cell: (bill) => (bill.metronome ? html`<${State} of=${bill.metronome.status} />` : "–") },
      { title: "Total", right: true, name: "total", cell: (bill) => (bill.stripe ? whole(bill.stripe.total, bill.stripe.currency) : "–") },
    ]} />`}<//><//>`;
}

function Credits({ id }) {
  const credits = useLoaded((signal) => get(path`/api/customers/${id}/credits`, {}, signal), [id], { every: REFRESH });
  return html`<${Panel} title="Credits" wide><${Loaded} state=${credits} what="credits" lines=${1}>${({ data }) =>
    html`<${Table} caption="Credits" rows=${data.credits} empty=${html`<${Empty} title="No credits" />`} columns=${[
      { title: "Grant", cell: (one) => one.name },
      { title: "Time", cell: (one) => `${date(one.startsAt)} to ${date(one.expiresAt)}` },
      { title: "Granted", right: true, cell: (one) => quantity(one.amount) },
      { title: "Left", right: true, name: "left", cell: (one) => quantity(one.balance) },
    ]} />`}<//><//>`;
}
