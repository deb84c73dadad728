// One customer's metered usage: now, as it came, and what the period will come to.

import { html, useState } from "../view.js";
import { call, get, optional, path, post } from "../api.js";
import { Chart } from "../chart.js";
import { useAction, useLoaded } from "../hooks.js";
import { date, midnight, money, monthStart, period, quantity, words } from "../format.js";
import { Badge, Do, Empty, Field, Figure, Figures, Form, Loaded, Panel, Select, Table } from "../parts.js";

export function LiveUsage({ counters, now }) {
  const [ref, setRef] = useState("");
  return html`<${Panel} title="Whose usage?" wide><${Form} inline submit=${(values) => setRef(values.ref.trim())} go="Show" tone=""><${Field} label="Customer" name="ref" required value=${ref} hint="As events name it" /><//><//>
    ${ref && html`<${Current} key=${ref} customer=${ref} /><${History} key=${`${ref} history`} customer=${ref} counters=${counters} now=${now} /><${Projected} key=${`${ref} projected`} customer=${ref} />`}
    <${Caps} counters=${counters} />`;
}

function Current({ customer }) {
  const usage = useLoaded((signal) => get("/metering/v1/usage/current", { customer_ref: customer }, signal), [customer], { every: 3000 });
  return html`<${Loaded} state=${usage} what="usage">${(reply) => {
    const found = reply.data ?? reply;
    if (found.metrics.length === 0) return html`<${Panel} title="Now"><${Empty} title="Nothing used in this period" /><//>`;
    return html`<${Figures}>${found.metrics.map((one) => html`<${Figure} name=${one.name} label=${one.name} value=${quantity(one.current)} note=${one.limit === null ? `${one.unit}, since ${date(found.period.start)}` : `of ${quantity(one.limit)}, ${one.cap} cap`} tone=${one.limit !== null && Number(one.current) >= Number(one.limit) ? "bad" : ""} />`)}<//>`;
  }}<//>`;
}

function History({ customer, counters, now }) {
  const [metric, setMetric] = useState(counters[0]?.name);
  const span = { since: monthStart(now), until: midnight(now, 1) };
  const history = useLoaded((signal) => get("/metering/v1/usage/history", { customer_ref: customer, metric, ...span, interval: "day" }, signal), [customer, metric, span.since, span.until]);
  if (!metric) return null;
  return html`<${Panel} title="This month by day" wide actions=${html`<${Select} label="Counter" hidden value=${metric} onChange=${setMetric} options=${counters.map((one) => [one.name, one.name])} />`}>
    <${Loaded} state=${history} what="the history">${(reply) => {
      const found = reply.data ?? reply;
      return html`<${Chart} label=${`${metric} by day`} times=${found.usage.map((one) => one.ts)} labelOf=${date} series=${[{ label: metric, values: found.usage.map((one) => one.value) }]} />`;
    }}<//><//>`;
}

function Projected({ customer }) {
  const projected = useLoaded((signal) => optional(post("/metering/v1/usage/projection", { customer_ref: customer }, undefined, signal), [404, 422]), [customer]);
  return html`<${Panel} title="To the end of the period" note="at the rate so far, priced by the contract" wide><${Loaded} state=${projected} what="the projection" lines=${1}>${(reply) => {
    const periods = (reply?.data ?? reply)?.periods ?? [];
    return html`<${Table} caption="Projection" rows=${periods} rowKey=${(one) => one.period.start} empty=${html`<${Empty} title="Nothing to project">Only usage under a contract has a price.<//>`} columns=${[
      { title: "Period", cell: (one) => period(one.period.start, one.period.end) },
      { title: "So far", right: true, cell: (one) => money(one.so_far.total, one.so_far.credit_type) },
      { title: "Projected", right: true, name: "projected", cell: (one) => money(one.projected.total, one.projected.credit_type) },
    ]} />`;
  }}<//><//>`;
}

function Caps({ counters }) {
  const caps = useLoaded((signal) => get("/metering/v1/caps", {}, signal), []);
  const action = useAction();
  const add = (values, form) =>
    action.act(async () => {
      await post("/metering/v1/caps", { metric: values.metric, limit: Number(values.limit), mode: values.mode, ...(values.ref && { customer_ref: values.ref }) });
      form.reset();
      caps.reload();
    });
  return html`<${Panel} title="Caps" wide><${Loaded} state=${caps} what="caps" lines=${1}>${({ data }) =>
    html`<${Table} caption="Caps" rows=${data} empty=${html`<${Empty} title="Nothing is capped">A hard cap refuses events beyond it, a soft one warns.<//>`} columns=${[
      { title: "Counter", cell: (one) => one.metric },
      { title: "Of", cell: (one) => one.customer_ref ?? "each customer" },
      { title: "Kind", cell: (one) => html`<${Badge} tone=${one.mode === "hard" ? "bad" : "warn"}>${words(one.mode)}<//>` },
      { title: "Limit", right: true, cell: (one) => quantity(one.limit) },
      { title: "", right: true, cell: (one) => html`<${Do} tone="small danger" work=${() => call("DELETE", path`/metering/v1/caps/${one.id}`)} done=${caps.reload}>Remove<//>` },
    ]} />`}<//>
    <${Form} inline submit=${add} action=${action} go="Add" tone=""><${Select} label="Counter" name="metric" value=${counters[0]?.name} options=${counters.map((one) => [one.name, one.name])} /><${Field} label="Customer" name="ref" placeholder="each one" /><${Field} label="Limit" name="limit" type="number" min="0" step="any" required size="8" /><${Select} label="Kind" name="mode" value="soft" options=${[["soft", "Soft"], ["hard", "Hard"]]} /><//><//>`;
}
