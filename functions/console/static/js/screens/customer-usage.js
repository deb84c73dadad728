// What was counted, by metric, group and window.

import { html, useState } from "../view.js";
import { all, get, post } from "../api.js";
import { Chart } from "../chart.js";
import { add } from "../exact.js";
import { useLoaded } from "../hooks.js";
import { date, midnight, monthStart, quantity, time } from "../format.js";
import { Choice, Empty, Figure, Figures, Loaded, Panel, Select } from "../parts.js";

const SPANS = {
  month: ["This month", "DAY", (now) => [monthStart(now), midnight(now, 1)]],
  last: ["Last month", "DAY", (now) => [monthStart(now, -1), monthStart(now)]],
  thirty: ["30 days", "DAY", (now) => [midnight(now, -29), midnight(now, 1)]],
  hours: ["Today by hour", "HOUR", (now) => [midnight(now), midnight(now, 1)]],
};

export function Usage({ customer, now }) {
  const metrics = useLoaded((signal) => all((next) => get("/v1/billable-metrics", { next_page: next }, signal)), []);
  return html`<${Loaded} state=${metrics} what="metrics">${(found) =>
    found.length === 0
      ? html`<${Panel} title="Usage"><${Empty} title="No metric counts anything yet">Create one with POST /v1/billable-metrics/create.<//><//>`
      : html`<${Counted} customer=${customer} metrics=${found} now=${now} />`}<//>`;
}

function Counted({ customer, metrics, now }) {
  const [metricId, setMetricId] = useState(metrics[0].id);
  const [key, setKey] = useState("");
  const [span, setSpan] = useState("month");
  const metric = metrics.find((one) => one.id === metricId);
  const keys = [...new Set((metric.group_keys ?? []).filter((one) => one.length === 1).flat())];
  const group = keys.includes(key) ? key : "";
  const [, size, bounds] = SPANS[span];
  const [start, end] = bounds(now);
  const rows = useLoaded(
    (signal) =>
      all((next) =>
        post(
          "/v1/usage/groups",
          { customer_id: customer.id, billable_metric_id: metricId, window_size: size, starting_on: start, ending_before: end, ...(group && { group_by: { key: group } }) },
          { limit: 100, next_page: next },
          signal,
        ),
      ),
    [customer.id, metricId, size, start, end, group],
    { every: 10_000 },
  );
  return html`<div class="bar">
      <${Select} label="Metric" value=${metricId} onChange=${setMetricId} options=${metrics.map((one) => [one.id, one.name])} />
      ${keys.length > 0 && html`<${Select} label="By group" value=${group} onChange=${setKey} options=${[["", "All together"], ...keys.map((one) => [one, one])]} />`}
      <${Choice} label="Time" value=${span} onChange=${setSpan} options=${Object.entries(SPANS).map(([name, [title]]) => [name, title])} />
    </div>
    <${Loaded} state=${rows} what="usage">${(found) => html`<${Drawn} rows=${found} metric=${metric} size=${size} group=${group} />`}<//>`;
}

/** Counts and sums add up over windows; the largest, latest or number of unlike values do not. */
const ADDS_UP = ["COUNT", "SUM"];

function Drawn({ rows, metric, size, group }) {
  const windows = [...new Set(rows.map((row) => row.starting_on))].sort();
  const groups = new Map();
  for (const row of rows) {
    const label = group ? row.group_value ?? "(none)" : metric.name;
    groups.set(label, (groups.get(label) ?? new Map()).set(row.starting_on, row.value));
  }
  const adds = ADDS_UP.includes(String(metric.aggregation_type).toUpperCase());
  const series = [...groups].map(([label, values]) => ({ label, values: windows.map((window) => values.get(window) ?? 0) }));
  const named = size === "DAY" ? date : time;
  return html`
    ${adds && html`<${Figures}>
      <${Figure} name="usage" label=${metric.name} value=${quantity(add(0, ...series.flatMap((one) => one.values)))} note=${`from ${named(windows[0])}`} />
      ${group && series.map((one) => html`<${Figure} label=${one.label} value=${quantity(add(0, ...one.values))} />`)}
    <//>`}
    <${Panel} title=${metric.name} note=${`${String(metric.aggregation_type).toLowerCase()}${metric.aggregation_key ? ` of ${metric.aggregation_key}` : ""} by ${size.toLowerCase()}`} wide>
      <${Chart} label=${`${metric.name} by ${size.toLowerCase()}`} times=${windows} series=${series} kind=${adds ? "bars" : "lines"} labelOf=${named}
        empty=${html`<${Empty} title="Nothing was counted in this time">Events must carry one of this customer's aliases or the id, and fit the metric's filters.<//>`} />
    <//>`;
}
