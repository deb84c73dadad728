// One invoice: its lines, why each costs what it costs, and what can be done with it.

import { html, useState } from "../view.js";
import { file, get, optional, path, post, save } from "../api.js";
import { sign } from "../exact.js";
import { at, go, useLoaded } from "../hooks.js";
import { date, money, period, quantity, time, words } from "../format.js";
import { Lines } from "../invoice-lines.js";
import { Badge, Button, Dialog, Do, Groups, Id, Loaded, Panel, State, Table, Time } from "../parts.js";

export function Invoice({ customerId, id }) {
  const where = path`/v1/customers/${customerId}/invoices/${id}`;
  const invoice = useLoaded((signal) => get(where, {}, signal), [where], { every: 3000 });
  const status = invoice.value?.data.status;
  // The lines with their ids; a token without the right to it is shown the invoice alone.
  const explained = useLoaded((signal) => optional(get(path`/explain/${id}`, {}, signal)), [id, invoice.value?.data.total, status]);
  const [asked, setAsked] = useState(null);
  return html`<${Loaded} state=${invoice} what="this invoice" lines=${6}>${({ data }) => {
    const whole = explained.value ? { ...data, line_items: explained.value.data.line_items } : data;
    return html`<${Panel} wide title=${data.start_timestamp ? `Invoice for ${period(data.start_timestamp, data.end_timestamp)}` : `${words(data.type)} invoice of ${date(data.issued_at)}`} actions=${html`<${State} of=${data.status} />`}>
      <dl class="facts">
        <div><dt>Id</dt><dd><${Id} of=${data.id} /></dd></div>
        <div><dt>${data.status === "DRAFT" ? "Final on" : "Issued"}</dt><dd>${date(data.issued_at)}</dd></div>
        ${data.net_payment_terms_days !== undefined && html`<div><dt>Payment</dt><dd>within ${data.net_payment_terms_days} days</dd></div>`}
        ${data.external_invoice && html`<div><dt>At ${words(data.external_invoice.billing_provider_type)}</dt><dd><${State} of=${data.external_invoice.external_status} /> ${data.external_invoice.billing_provider_error ?? ""}</dd></div>`}
        ${data.regenerated_from_invoice_id && html`<div><dt>Instead of</dt><dd><a href=${at("customers", customerId, "invoices", data.regenerated_from_invoice_id)}>the void one</a></dd></div>`}
      </dl>
      <div data-invoice=${data.id}><${Lines} invoice=${whole} why=${explained.value && ((line) => html`<button class="link" aria-label=${`Why ${line.name} costs ${money(line.total, line.credit_type)}`} onClick=${() => setAsked(line)}>Why?</button>`)} /></div>
      <div class="actions foot">
        <${Do} work=${async () => save(await file(`${where}/pdf`), `invoice-${data.id.slice(0, 8)}.pdf`)}>Save as PDF<//>
        ${data.status === "FINALIZED" && html`<${Do} tone="danger" work=${() => post("/v1/invoices/void", { id: data.id })} done=${invoice.reload}
          confirm=${{ title: "Void this invoice?", text: `It stays listed as void. What it drew from commits and credits is given back.`, yes: "Void it" }}>Void<//>`}
        ${data.status === "VOID" && html`<${Do} tone="primary" work=${async () => { const { data: made } = await post("/v1/invoices/regenerate", { id: data.id }); go(at("customers", customerId, "invoices", made.id)); }}>Make it anew<//>`}
      </div>
    <//>
    ${asked && html`<${Why} invoiceId=${id} line=${asked} close=${() => setAsked(null)} />`}`;
  }}<//>`;
}

/** A sentence of the API with its instants as people read them. */
const readable = (text) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)/g, (instant) => (instant.includes("T00:00:00") ? date(instant) : time(instant)));

function Why({ invoiceId, line, close }) {
  const told = useLoaded((signal) => get(path`/explain/${invoiceId}/${line.id}`, { limit: 20 }, signal), [invoiceId, line.id]);
  return html`<${Dialog} wide title=${`Why ${money(line.total, line.credit_type)}?`} close=${close}>
    <p class="lead">${line.name} <${Groups} of=${{ ...line.presentation_group_values, ...line.pricing_group_values }} /></p>
    <${Loaded} state=${told} what="the explanation">${({ data }) => html`<div data-why=${line.id}>
      <ol class="steps">${data.arithmetic.map((step) => html`<li><b>${step.name}</b><span>${readable(step.text)}</span></li>`)}</ol>
      <p class="verdict">${data.matches ? html`<${Badge} tone="good">computed again: the same<//>` : html`<${Badge} tone="bad">computed again: ${money(data.computed.total, line.credit_type)}<//>`}</p>
      ${data.events?.complete === false && html`<p class="note">The events of this time are not stored any longer: this was computed from the counters.</p>`}
      ${data.events && data.events.count > 0 && html`<h3>Events counted</h3><${Table} caption="Events counted" rows=${data.events.data} rowKey=${(one) => one.transaction_id} columns=${[
        { title: "Event", cell: (one) => html`<code>${one.transaction_id}</code>` },
        { title: "When", cell: (one) => html`<${Time} of=${one.timestamp} />` },
        { title: "Adds", right: true, cell: (one) => quantity(one.contribution) },
        { title: "Up to", right: true, cell: (one) => quantity(one.running_total) },
      ]} />${data.events.count > data.events.data.length && html`<p class="note">The first ${data.events.data.length} of ${quantity(data.events.count)}.</p>`}`}
    </div>`}<//>
  <//>`;
}
