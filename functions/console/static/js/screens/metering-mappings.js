// Which usage is told to which meter at Stripe, and how far that is.

import { html } from "../view.js";
import { all, call, get, path, post } from "../api.js";
import { useAction, useLoaded } from "../hooks.js";
import { quantity, words } from "../format.js";
import { Badge, Do, Empty, Field, Form, Id, Loaded, Panel, Select, State, Table, Time } from "../parts.js";

export function Mappings({ counters }) {
  const mappings = useLoaded((signal) => all((next) => get("/metering/v1/mappings", { limit: 100, next_page: next }, signal)), []);
  const action = useAction();
  const add = (values, form) =>
    action.act(async () => {
      await post("/metering/v1/mappings", { metric: values.metric, customer_ref: values.ref, stripe: { meter_id: values.meter, stripe_customer_id: values.customer } });
      form.reset();
      mappings.reload();
    });
  return html`<${Panel} title="Mappings" wide actions=${html`<${Do} work=${() => post("/metering/v1/pushes", {})} done=${mappings.reload}>Tell Stripe now<//>`}><${Loaded} state=${mappings} what="mappings">${(found) =>
    html`<${Table} caption="Mappings" rows=${found} detail=${(one) => html`<${Pushes} mapping=${one} />`} empty=${html`<${Empty} title="Nothing is told to Stripe">A mapping sends what a counter counts for a customer to a meter, as differences.<//>`} columns=${[
      { title: "Counter", cell: (one) => one.metric },
      { title: "Customers", cell: (one) => one.customer_refs.join(", ") },
      { title: "Meter", cell: (one) => html`<${Id} of=${one.stripe.meter_id} />` },
      { title: "Stripe customer", cell: (one) => html`<${Id} of=${one.stripe.stripe_customer_id} />` },
      { title: "Billed", cell: (one) => words(one.frequency) },
      { title: "State", right: true, cell: (one) => html`<${Badge} tone=${one.active ? "good" : "mute"}>${one.active ? "active" : "ended"}<//>${one.shadow && html` <${Badge}>shadow too<//>`}` },
      { title: "", right: true, cell: (one) => one.active && html`<${Do} tone="small danger" work=${() => call("DELETE", path`/metering/v1/mappings/${one.id}`)} done=${mappings.reload} confirm=${{ title: "End this mapping?", text: "What was counted until now is still told; later usage is not.", yes: "End it" }}>End<//>` },
    ]} />`}<//>
    <${Form} inline submit=${add} action=${action} go="Add" tone=""><${Select} label="Counter" name="metric" value=${counters[0]?.name} options=${counters.map((one) => [one.name, one.name])} /><${Field} label="Customer" name="ref" required /><${Field} label="Meter" name="meter" required placeholder="mtr_…" /><${Field} label="Stripe customer" name="customer" required placeholder="cus_…" /><//><//>`;
}

function Pushes({ mapping }) {
  const pushes = useLoaded((signal) => get(path`/metering/v1/mappings/${mapping.id}/pushes`, {}, signal), [mapping.id]);
  return html`<${Loaded} state=${pushes} what="pushes" lines=${1}>${({ data }) =>
    html`<${Table} caption="Pushes" rows=${data} rowKey=${(one) => one.sequence} empty=${html`<p class="note">Nothing was told yet.</p>`} columns=${[
      { title: "When", cell: (one) => html`<${Time} of=${one.begun_at} />` },
      { title: "Identifier", cell: (one) => html`<code>${one.identifier}</code>` },
      { title: "Difference", right: true, cell: (one) => quantity(one.delta) },
      { title: "Status", right: true, cell: (one) => html`<${State} of=${one.status} />` },
    ]} />`}<//>`;
}
