// Metering: what was counted, where it is told, and whether all sides agree.

import { html, useState } from "../view.js";
import { get, optional, post } from "../api.js";
import { at, useAction, useLoaded } from "../hooks.js";
import { quantity, words } from "../format.js";
import { Button, Choice, Do, Empty, Field, Form, Id, Loaded, Panel, Screen, Select, State, Table, Tabs, Time } from "../parts.js";
import { Mappings } from "./metering-mappings.js";
import { Reconciliation } from "./metering-reconciliation.js";
import { Simulator } from "./metering-simulator.js";
import { LiveUsage } from "./metering-usage.js";

const TABS = {
  reconciliation: ["Reconciliation", Reconciliation],
  usage: ["Live usage", LiveUsage],
  events: ["Events", Events],
  adjustments: ["Adjustments", Adjustments],
  mappings: ["Mappings", Mappings],
  counters: ["Counters", Counters],
  simulator: ["Simulator", Simulator],
};

export function Metering({ steps, now }) {
  const there = useLoaded((signal) => optional(get("/metering/v1/counters", {}, signal)), []);
  const tab = TABS[steps[1]] ? steps[1] : "reconciliation";
  const [, Shown] = TABS[tab];
  return html`<${Screen} title="Metering" lead="Usage with proof: counted once, told to Stripe as differences, compared again and again">
    <${Tabs} label="About metering" current=${tab} tabs=${Object.entries(TABS).map(([key, [title]]) => [key, title, at("metering", key)])} />
    ${there.value === null ? html`<${Empty} title="Metering is not here">This stage does not answer at /metering.<//>` : there.value === undefined ? html`<${Loaded} state=${there} what="metering" />` : html`<${Shown} key=${tab} counters=${there.value.data} now=${now} />`}
  <//>`;
}

function Counters() {
  const counters = useLoaded((signal) => get("/metering/v1/counters", {}, signal), []);
  const action = useAction();
  const add = (values, form) =>
    action.act(async () => {
      await post("/metering/v1/counters", { name: values.name, aggregation: values.aggregation, ...(values.unit && { unit: values.unit }) });
      form.reset();
      counters.reload();
    });
  return html`<${Panel} title="Counters" wide><${Loaded} state=${counters} what="counters">${({ data }) =>
    html`<${Table} caption="Counters" rows=${data} rowKey=${(one) => one.name} empty=${html`<${Empty} title="Nothing is counted yet">A counter is made by the first event of its name, or here.<//>`} columns=${[
      { title: "Name", cell: (one) => one.name },
      { title: "Counts", cell: (one) => one.aggregation },
      { title: "Unit", cell: (one) => one.unit ?? "–" },
      { title: "Late events until", cell: (one) => `${one.late_window_hours} hours` },
      { title: "Metric", right: true, cell: (one) => html`<${Id} of=${one.billable_metric_id} />` },
    ]} />`}<//>
    <${Form} inline submit=${add} action=${action} go="Add" tone="">
      <${Field} label="Name" name="name" required />
      <${Select} label="Counts" name="aggregation" value="sum" options=${["sum", "count", "max", "last"].map((one) => [one, words(one)])} />
      <${Field} label="Unit" name="unit" />
    <//><//>`;
}

const PAGE = 25;

function Events({ counters }) {
  const [wanted, setWanted] = useState({ metric: "", customer_ref: "" });
  const [trail, setTrail] = useState([undefined]);
  const next = trail.at(-1);
  const events = useLoaded((signal) => get("/metering/v1/events", { ...wanted, limit: PAGE, next_page: next }, signal), [wanted.metric, wanted.customer_ref, next], { every: 5000 });
  const find = (values) => {
    setWanted({ metric: values.metric, customer_ref: values.customer_ref.trim() });
    setTrail([undefined]);
  };
  return html`<${Panel} title="Events" wide>
    <${Form} inline submit=${find} go="Find" tone=""><${Select} label="Counter" name="metric" value=${wanted.metric} options=${[["", "All counters"], ...counters.map((one) => [one.name, one.name])]} /><${Field} label="Customer" name="customer_ref" value=${wanted.customer_ref} /><//>
    <${Loaded} state=${events} what="events">${({ data, next_page: more }) => html`
      <${Table} caption="Events" rows=${data} rowKey=${(one) => one.idempotency_key} empty=${html`<${Empty} title="No events">Send them to <code>POST /metering/v1/events/ingest</code>.<//>`} columns=${[
        { title: "Key", cell: (one) => html`<code>${one.idempotency_key}</code>` },
        { title: "Counter", cell: (one) => one.metric },
        { title: "Customer", cell: (one) => one.customer_ref },
        { title: "Quantity", right: true, cell: (one) => quantity(one.quantity) },
        { title: "When", cell: (one) => html`<${Time} of=${one.ts} />` },
        { title: "Source", right: true, cell: (one) => one.source },
      ]} />
      ${(trail.length > 1 || more) && html`<div class="pager"><span class="note">Page ${trail.length}</span><${Button} disabled=${trail.length === 1} onClick=${() => setTrail(trail.slice(0, -1))}>Newer<//><${Button} disabled=${!more} onClick=${() => setTrail([...trail, more])}>Older<//></div>`}`}<//>
  <//>`;
}

const REASONS = ["manual", "correction", "backfill", "promo", "credit"];

function Adjustments({ counters }) {
  const [status, setStatus] = useState("");
  const adjustments = useLoaded((signal) => get("/metering/v1/adjustments", { status, limit: 50 }, signal), [status]);
  const action = useAction();
  const propose = (values, form) =>
    action.act(async () => {
      await post("/metering/v1/adjustments", { metric: values.metric, customer_ref: values.customer_ref, delta: Number(values.delta), reason: values.reason, ...(values.ts && { ts: `${values.ts}:00Z` }), ...(values.note && { note: values.note }) });
      form.reset();
      adjustments.reload();
    });
  const decide = (one, verb) => post(`/metering/v1/adjustments/${encodeURIComponent(one.id)}/${verb}`);
  return html`<div class="bar"><${Choice} label="Which adjustments" value=${status} onChange=${setStatus} options=${[["", "All"], ["pending", "Pending"], ["approved", "Approved"], ["rejected", "Rejected"], ["reverted", "Reverted"]]} /></div>
    <${Panel} title="Adjustments" note="changes of usage, each decided by somebody" wide><${Loaded} state=${adjustments} what="adjustments">${({ data }) =>
      html`<${Table} caption="Adjustments" rows=${data} empty=${html`<${Empty} title="No adjustments">Late events and corrections by hand wait here until somebody decides.<//>`} columns=${[
        { title: "Counter", cell: (one) => one.metric },
        { title: "Customer", cell: (one) => one.customer_ref },
        { title: "Change", right: true, name: "delta", cell: (one) => quantity(one.delta) },
        { title: "Of", cell: (one) => html`<${Time} of=${one.ts} />` },
        { title: "Why", cell: (one) => `${words(one.reason)}${one.note ? `: ${one.note}` : ""}` },
        { title: "Status", right: true, name: "status", cell: (one) => html`<${State} of=${one.status} />` },
        { title: "", right: true, cell: (one) => html`<span class="actions">${one.status === "pending" && html`<${Do} tone="small primary" work=${() => decide(one, "approve")} done=${adjustments.reload}>Approve<//><${Do} tone="small danger" work=${() => decide(one, "reject")} done=${adjustments.reload}>Reject<//>`}${one.status === "approved" && html`<${Do} tone="small" work=${() => decide(one, "revert")} done=${adjustments.reload} confirm=${{ title: "Take it back?", text: "Usage goes back to what it was, to the unit.", yes: "Revert" }}>Revert<//>`}</span>` },
      ]} />`}<//>
      <${Form} inline submit=${propose} action=${action} go="Propose" tone="">
        <${Select} label="Counter" name="metric" value=${counters[0]?.name} options=${counters.map((one) => [one.name, one.name])} />
        <${Field} label="Customer" name="customer_ref" required />
        <${Field} label="Change" name="delta" type="number" step="any" required size="8" />
        <${Field} label="At (UTC)" name="ts" type="datetime-local" />
        <${Select} label="Reason" name="reason" value="manual" options=${REASONS.map((one) => [one, words(one)])} />
        <${Field} label="Note" name="note" />
      <//>
    <//>`;
}
