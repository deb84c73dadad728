// Which lines are watched for this customer, and which were crossed.

import { html } from "../view.js";
import { all, post } from "../api.js";
import { useLoaded } from "../hooks.js";
import { money, quantity, words } from "../format.js";
import { Do, Empty, Loaded, Panel, State, Table, Time } from "../parts.js";

export function Alerts({ customer }) {
  const alerts = useLoaded((signal) => all((next) => post("/v1/customer-alerts/list", { customer_id: customer.id }, { next_page: next }, signal)), [customer.id], { every: 10_000 });
  return html`<${Panel} title="Alerts" wide><${Loaded} state=${alerts} what="alerts">${(found) =>
    html`<${Table} caption="Alerts" rows=${found} rowKey=${(one) => one.alert.id} empty=${html`<${Empty} title="Nothing is watched">Set a threshold with POST /v1/alerts/create; a webhook tells when it is crossed.<//>`} columns=${[
      { title: "Alert", cell: (one) => html`<span class="named"><span>${one.alert.name}</span><small>${words(one.alert.type)}</small></span>` },
      { title: "Threshold", right: true, cell: (one) => threshold(one.alert) },
      { title: "Stands", right: true, name: "status", cell: (one) => (one.customer_status ? html`<${State} of=${one.customer_status} />` : "–") },
      { title: "Changed", right: true, cell: (one) => html`<${Time} of=${one.alert.updated_at} />` },
      { title: "", right: true, cell: (one) => html`<${Do} work=${() => post("/v1/customer-alerts/reset", { customer_id: customer.id, alert_id: one.alert.id })} done=${alerts.reload} tone="small">Look again<//>` },
    ]} />`}<//><//>`;
}

const threshold = (alert) => (alert.credit_type && !alert.type.includes("percentage") ? money(alert.threshold, alert.credit_type) : quantity(alert.threshold));
