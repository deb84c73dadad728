// One customer: what is used and owed now, and how it came about.

import { html } from "../view.js";
import { get, path, post } from "../api.js";
import { at, useLoaded } from "../hooks.js";
import { Badge, Do, Id, Loaded, Screen, Tabs } from "../parts.js";
import { Now } from "./customer-now.js";
import { Usage } from "./customer-usage.js";
import { Balances } from "./customer-balances.js";
import { Contracts } from "./customer-contracts.js";
import { Alerts } from "./customer-alerts.js";
import { CustomerInvoices } from "./customer-invoices.js";

const TABS = {
  now: ["Now", Now],
  usage: ["Usage", Usage],
  balances: ["Balances", Balances],
  invoices: ["Invoices", CustomerInvoices],
  contracts: ["Contracts", Contracts],
  alerts: ["Alerts", Alerts],
};

export function Customer({ id, tab = "now", now, query }) {
  const customer = useLoaded((signal) => get(path`/v1/customers/${id}`, {}, signal), [id]);
  if (customer.value === undefined) return html`<${Screen} title="Customer"><${Loaded} state=${customer} what="this customer" /><//>`;
  return html`<${Loaded} state=${customer}>${({ data }) => {
    const [, Shown] = TABS[tab] ?? TABS.now;
    return html`<${Screen} title=${data.name} lead=${html`<${Lead} customer=${data} />`}
      actions=${!data.archived_at && html`<${Do} work=${() => preview(id)}>Preview the usage widget<//><${Do} tone="danger" work=${() => post("/v1/customers/archive", { id })} done=${customer.reload}
        confirm=${{ title: "Archive this customer?", text: "Its contracts end with it, and it is listed among the archived ones.", yes: "Archive" }}>Archive<//>`}>
      <${Tabs} label="About this customer" current=${TABS[tab] ? tab : "now"} tabs=${Object.entries(TABS).map(([key, [title]]) => [key, title, at("customers", id, key)])} />
      <${Shown} key=${tab} customer=${data} now=${now} query=${query} />
    <//>`;
  }}<//>`;
}

/** What the customer would see of itself, with a token of its own. */
async function preview(id) {
  const { data } = await post("/widget/tokens", { customer_id: id });
  open(`/widget#token=${data.token}`, "_blank", "noopener");
}

function Lead({ customer }) {
  return html`<span class="facts">
    ${customer.archived_at && html`<${Badge} tone="mute">archived<//>`}
    <span>Id <${Id} of=${customer.id} /></span>
    ${customer.ingest_aliases.length > 0 && html`<span>Aliases <b>${customer.ingest_aliases.join(", ")}</b></span>`}
    ${Object.entries(customer.custom_fields ?? {}).map(([key, value]) => html`<span>${key} <b>${value}</b></span>`)}
  </span>`;
}
