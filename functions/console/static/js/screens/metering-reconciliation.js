// Do all sides have the same numbers? If not, why, and how that is mended.

import { html, useState } from "../view.js";
import { call, file, get, path, post, save } from "../api.js";
import { Chart } from "../chart.js";
import { grouped, sign } from "../exact.js";
import { useAction, useLoaded } from "../hooks.js";
import { period, quantity, time, words } from "../format.js";
import { Do, Empty, Field, Figure, Figures, Form, Loaded, Panel, State, Table, Time } from "../parts.js";

const RUNS = 30;

export function Reconciliation() {
  const runs = useLoaded((signal) => get("/metering/v1/reconciliation/runs", { limit: RUNS }, signal), [], { every: 10_000 });
  const corrections = useLoaded((signal) => get("/metering/v1/reconciliation/corrections", { limit: 50 }, signal), [], { every: 10_000 });
  const changed = () => {
    runs.reload();
    corrections.reload();
  };
  // Where a sandbox's clock stands still, runs share their time: the one asked for here is the latest.
  const [asked, setAsked] = useState(null);
  const run = html`<${Do} tone="primary" work=${async () => setAsked((await post("/metering/v1/reconciliation/runs", {})).data)} done=${changed}>Reconcile now<//>`;
  return html`<${Loaded} state=${runs} what="runs">${({ data }) => html`
      ${data.length === 0 && !asked ? html`<${Panel} title="Drift" actions=${run}><${Empty} title="Never compared yet">Usage that is mapped to Stripe is compared every hour, or now.<//><//>` : html`<${Latest} run=${asked && !(data[0]?.started_at > asked.started_at) ? asked : data[0]} action=${run} /><${Over} runs=${data} />`}
      <${Corrections} state=${corrections} changed=${changed} />
      <${Settings} />`}<//>`;
}

function Latest({ run, action }) {
  const report = useLoaded((signal) => get(path`/metering/v1/reconciliation/runs/${run.id}`, {}, signal), [run.id]);
  return html`<${Figures}>
      <${Figure} name="drift" label="Drift" value=${quantity(run.drift_abs)} tone=${sign(run.drift_abs) ? "bad" : ""} note=${`units, as of ${time(run.started_at)}`} />
      <${Figure} name="ok" label="In agreement" value=${`${run.ok} of ${run.checked}`} note="periods of mappings" />
      <${Figure} name="investigate" label="To look at" value=${String(run.investigate)} tone=${run.investigate ? "warn" : ""} />
      <${Figure} label="Not known" value=${String(run.unknown)} tone=${run.unknown ? "warn" : ""} note="Stripe could not be asked" />
    <//>
    <${Panel} title="Latest comparison" wide actions=${html`<${Do} work=${async () => save(await file(path`/metering/v1/reconciliation/runs/${run.id}`, { format: "csv" }), "reconciliation.csv")}>Save as CSV<//>${action}`}>
      <${Loaded} state=${report} what="the report">${({ data }) =>
        html`<${Table} caption="Latest comparison" rows=${data.reports} rowKey=${(row) => `${row.mapping_id} ${row.lane} ${row.period.start}`} empty=${html`<${Empty} title="Nothing is mapped to Stripe">Map a counter under Mappings.<//>`} columns=${[
          { title: "Counter", cell: (row) => html`<span class="named"><span>${row.metric}</span><small>${row.customer_refs.join(", ")}${row.lane === "live" ? "" : `, ${row.lane}`}</small></span>` },
          { title: "Period", cell: (row) => period(row.period.start, row.period.end) },
          { title: "Counted", right: true, name: "local", cell: (row) => quantity(row.totals.local) },
          { title: "Told", right: true, name: "pushed", cell: (row) => quantity(row.totals.pushed) },
          { title: "At Stripe", right: true, name: "stripe", cell: (row) => (row.totals.stripe === null ? "?" : quantity(row.totals.stripe)) },
          { title: "Drift", right: true, name: "drift", cell: (row) => (row.drift_abs === null ? "?" : html`<span class=${sign(row.drift_abs) ? "problem" : ""}>${quantity(row.drift_abs)}</span>`) },
          { title: "Why", cell: (row) => row.differences.map((one) => `${words(one.class)} ${grouped(one.amount)}`).join(", ") || row.message || "–" },
          { title: "State", right: true, name: "state", cell: (row) => html`<${State} of=${row.status} />` },
        ]} />`}<//>
    <//>`;
}

function Over({ runs }) {
  const ordered = [...runs].reverse();
  if (ordered.length < 2) return null;
  return html`<${Panel} title="Drift over the last runs" wide><${Chart} label="Drift over the last runs" kind="lines" times=${ordered.map((one) => one.started_at)} labelOf=${time} series=${[{ label: "Drift", values: ordered.map((one) => one.drift_abs) }]} empty=${html`<${Empty} title="No drift in any of these runs" />`} /><//>`;
}

function Corrections({ state, changed }) {
  return html`<${Panel} title="Corrections" note="suggested, and applied once somebody approves" wide><${Loaded} state=${state} what="corrections" lines=${1}>${({ data }) =>
    html`<${Table} caption="Corrections" rows=${data} empty=${html`<${Empty} title="Nothing to correct" />`} columns=${[
      { title: "Counter", cell: (one) => one.metric },
      { title: "Because", cell: (one) => words(one.difference) },
      { title: "How", cell: (one) => words(one.kind) },
      { title: "Amount", right: true, name: "amount", cell: (one) => quantity(one.amount) },
      { title: "Since", cell: (one) => html`<${Time} of=${one.created_at} />` },
      { title: "Status", right: true, name: "status", cell: (one) => html`<${State} of=${one.status} />` },
      { title: "", right: true, cell: (one) => one.status === "open" && html`<span class="actions"><${Do} tone="small primary" label=${`Approve ${words(one.kind)}`} work=${() => post(path`/metering/v1/reconciliation/corrections/${one.id}/approve`)} done=${changed}>Approve<//><${Do} tone="small danger" label=${`Reject ${words(one.kind)}`} work=${() => post(path`/metering/v1/reconciliation/corrections/${one.id}/reject`)} done=${changed}>Reject<//></span>` },
    ]} />`}<//><//>`;
}

function Settings() {
  const settings = useLoaded((signal) => get("/metering/v1/reconciliation/settings", {}, signal), []);
  const action = useAction();
  const change = (values) =>
    action.act(async () => {
      await call("PATCH", "/metering/v1/reconciliation/settings", { body: { epsilon: values.epsilon, lag_seconds: Number(values.lag) } });
      settings.reload();
    });
  return html`<${Panel} title="How strict" wide><${Loaded} state=${settings} what="settings" lines=${1}>${({ data }) => html`<${Form} inline submit=${change} action=${action} tone="">
    <${Field} label="Share that may differ while a period is open" name="epsilon" type="number" min="0" max="1" step="any" value=${data.epsilon} required />
    <${Field} label="Seconds that Stripe may lag behind" name="lag" type="number" min="0" value=${data.lag_seconds} required /><//>`}<//><//>`;
}
