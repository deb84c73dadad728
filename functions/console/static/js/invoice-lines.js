// The lines of an invoice, wherever one is shown.

import { html } from "./view.js";
import { add, sign } from "./exact.js";
import { money, period, price, quantity } from "./format.js";
import { Badge, Empty, Groups, Table } from "./parts.js";

/** `why(line)`, if given, is what stands in a last column. Lines without an amount come last. */
export function Lines({ invoice, why }) {
  const all = invoice.line_items;
  const shown = all.filter((line) => sign(line.total) !== 0 || Number(line.quantity ?? 0) !== 0);
  const rest = all.length - shown.length;
  const columns = [
    { title: "Line", cell: (line) => html`<${Named} line=${line} invoice=${invoice} />` },
    { title: "Quantity", right: true, name: "quantity", cell: (line) => (line.quantity === undefined ? "" : quantity(line.quantity)) },
    { title: "Unit price", right: true, name: "price", cell: (line) => (line.unit_price === undefined ? "" : price(line.unit_price, line.credit_type)) },
    { title: "Amount", right: true, name: "total", cell: (line) => html`<span class=${sign(line.total) < 0 ? "given" : ""}>${money(line.total, line.credit_type)}</span>` },
    ...(why ? [{ title: "Why", right: true, cell: why }] : []),
  ];
  return html`<${Table} caption="Lines of the invoice" columns=${columns} rows=${shown} rowKey=${(line, at) => line.id ?? at}
      empty=${html`<${Empty} title="No usage in this period yet">The draft grows as events come in.<//>`} />
    ${rest > 0 && html`<p class="note">${rest} ${rest === 1 ? "line" : "lines"} without usage not shown.</p>`}
    <${Sum} invoice=${invoice} />`;
}

function Named({ line, invoice }) {
  const groups = { ...line.presentation_group_values, ...line.pricing_group_values };
  const partial = line.starting_at && (line.starting_at !== invoice.start_timestamp || line.ending_before !== invoice.end_timestamp);
  return html`<span class="named"><span>${line.name}</span>
    <${Groups} of=${groups} />
    ${line.tier && html`<${Badge}>tier ${line.tier.level}, from ${quantity(line.tier.starting_at)}${line.tier.size ? ` to ${quantity(add(line.tier.starting_at, line.tier.size))}` : " on"}<//>`}
    ${line.is_prorated && html`<${Badge}>prorated<//>`}
    ${partial && html`<small>${period(line.starting_at, line.ending_before)}</small>`}</span>`;
}

/** What it comes to, and what commits and credits paid of it, in the invoice's unit. */
function Sum({ invoice }) {
  const same = invoice.line_items.filter((line) => line.credit_type.id === invoice.credit_type.id);
  const applied = same.filter((line) => line.type === "applied_commit_or_credit").map((line) => line.total);
  const before = same.filter((line) => line.type !== "applied_commit_or_credit").map((line) => line.total);
  return html`<dl class="sum">
    ${applied.length > 0 && html`<div><dt>Before commits and credits</dt><dd>${money(add(...before), invoice.credit_type)}</dd></div>
      <div><dt>Commits and credits applied</dt><dd class="given" data-sum="applied">${money(add(...applied), invoice.credit_type)}</dd></div>`}
    <div class="total"><dt>${invoice.status === "DRAFT" ? "Total so far" : "Total"}</dt><dd data-sum="total">${money(invoice.total, invoice.credit_type)}</dd></div>
  </dl>`;
}
