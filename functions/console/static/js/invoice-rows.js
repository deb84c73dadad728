// A list of invoices.

import { html } from "./view.js";
import { at } from "./hooks.js";
import { date, money, period, words } from "./format.js";
import { Empty, State, Table } from "./parts.js";

export function InvoiceRows({ rows, named }) {
  return html`<${Table} caption="Invoices" rows=${rows} empty=${html`<${Empty} title="No invoices of this kind">Usage under a contract makes a draft; it becomes final a day after its period.<//>`} columns=${[
    ...(named ? [{ title: "Customer", cell: (one) => html`<a href=${at("customers", one.customer_id)}>${one.customer_name}</a>` }] : []),
    { title: "Invoice", cell: (one) => html`<a href=${at("customers", one.customer_id, "invoices", one.id)}>${one.start_timestamp ? period(one.start_timestamp, one.end_timestamp) : `${words(one.type)}, ${date(one.issued_at)}`}</a>` },
    { title: "Kind", cell: (one) => words(one.type) },
    { title: "Status", name: "status", cell: (one) => html`<${State} of=${one.status} />` },
    { title: "Issued", right: true, cell: (one) => date(one.issued_at) },
    { title: "Total", right: true, name: "total", cell: (one) => money(one.total, one.credit_type) },
  ]} />`;
}
