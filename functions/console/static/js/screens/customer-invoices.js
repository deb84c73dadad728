// A customer's invoices, and one of them.

import { html, useState } from "../view.js";
import { get, path } from "../api.js";
import { at, currentPlace, useLoaded } from "../hooks.js";
import { Button, Choice, Loaded, Panel } from "../parts.js";
import { InvoiceRows } from "../invoice-rows.js";
import { Invoice } from "./invoice.js";

const PAGE = 25;

export function CustomerInvoices({ customer }) {
  const invoiceId = currentPlace().steps[3];
  if (invoiceId) return html`<${Invoice} key=${invoiceId} customerId=${customer.id} id=${invoiceId} />`;
  return html`<${Listed} customer=${customer} />`;
}

function Listed({ customer }) {
  const [status, setStatus] = useState("");
  const [trail, setTrail] = useState([undefined]);
  const next = trail.at(-1);
  const invoices = useLoaded((signal) => get(path`/v1/customers/${customer.id}/invoices`, { status, sort: "date_desc", limit: PAGE, next_page: next }, signal), [customer.id, status, next], { every: 10_000 });
  const choose = (value) => {
    setStatus(value);
    setTrail([undefined]);
  };
  return html`<div class="bar"><${Choice} label="Which invoices" value=${status} onChange=${choose} options=${[["", "All"], ["DRAFT", "Drafts"], ["FINALIZED", "Final"], ["VOID", "Void"]]} /></div>
    <${Panel} title="Invoices" wide><${Loaded} state=${invoices} what="invoices">${({ data, next_page: more }) => html`
      <${InvoiceRows} rows=${data} />
      ${(trail.length > 1 || more) && html`<div class="pager"><span class="note">Page ${trail.length}</span>
        <${Button} disabled=${trail.length === 1} onClick=${() => setTrail(trail.slice(0, -1))}>Newer<//>
        <${Button} disabled=${!more} onClick=${() => setTrail([...trail, more])}>Older<//></div>`}`}<//><//>`;
}
