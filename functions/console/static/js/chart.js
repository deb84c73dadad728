// Charts over time, each with its numbers as a table for those who cannot or would not look.

import { html, useEffect, useRef, useState } from "./view.js";
import { useDrawing } from "./drawing.js";
import { Empty, Table } from "./parts.js";
import { quantity as plain } from "./format.js";

const COLOURS = 7;

export const colourOf = (place) => `var(--series-${(place % COLOURS) + 1})`;

/**
 * `series`: [{ label, values }], exact values by time; `times`: instants as the API writes them.
 * `kind`: "bars" stacks them, "steps" and "lines" lay them over each other.
 * `unit` stands before the numbers of the axis. Where a table stands beside it, it is not `alone`.
 * `tell(value)`: a value as people read it; `height(value)`: its place on the axis.
 */
export function Chart({ label, times, series, kind = "bars", tell = plain, height = Number, unit = "", labelOf = (time) => time, empty, alone = true }) {
  const box = useRef(null);
  const [style, setStyle] = useState(0);
  const shown = series.filter((one) => one.values.some((value) => value !== null && Number(value) !== 0));
  const key = JSON.stringify([times, shown.map((one) => [one.label, one.values]), kind]);
  useEffect(() => watchColours(() => setStyle((number) => number + 1)), []);
  const canDraw = useDrawing();
  useEffect(() => {
    if (!canDraw || !box.current || shown.length === 0) return undefined;
    const chart = draw(box.current, { times, series: shown, kind, tell, height, unit });
    const resized = new ResizeObserver(([entry]) => chart.setSize({ width: entry.contentRect.width, height: HEIGHT }));
    resized.observe(box.current);
    return () => {
      resized.disconnect();
      chart.destroy();
    };
  }, [key, style, canDraw]);
  if (shown.length === 0) return empty ?? html`<${Empty} title="Nothing to draw in this time" />`;
  const columns = [
    { title: "Time", cell: (row) => labelOf(row.time) },
    ...shown.map((one, at) => ({ title: one.label, right: true, name: one.label, cell: (row) => tell(row.values[at]) })),
  ];
  const rows = times.map((time, at) => ({ id: time, time, values: shown.map((one) => one.values[at]) }));
  return html`<figure class="chart">
    <div class="plot" ref=${box} role="img" aria-label=${label}></div>
    <figcaption>
      <ul class="legend">${shown.length > 1 && shown.map((one, at) => html`<li><i style=${{ background: colourOf(at) }}></i>${one.label}</li>`)}</ul>
      ${alone && html`<details><summary>As a table</summary><${Table} caption=${label} columns=${columns} rows=${rows} /></details>`}
    </figcaption>
  </figure>`;
}

const HEIGHT = 240;

function draw(box, { times, series, kind, tell, height, unit }) {
  const colours = series.map((_, at) => resolved(box, colourOf(at)));
  const ink = resolved(box, "var(--soft)");
  const line = resolved(box, "var(--line)");
  const heights = series.map((one) => one.values.map((value) => (value === null ? null : height(value))));
  const stacked = kind === "bars" ? sums(heights) : heights;
  const bars = uPlot.paths.bars({ size: [0.72, 44], radius: 0.12 });
  const steps = uPlot.paths.stepped({ align: 1 });
  // The largest sum is drawn first, so that each part of a stack covers what is below it.
  const order = kind === "bars" ? series.map((_, at) => series.length - 1 - at) : series.map((_, at) => at);
  const options = {
    width: box.clientWidth || 600,
    height: HEIGHT,
    padding: [12, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: kind !== "bars" } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "UTC"),
    fmtDate: (form) => uPlot.fmtDate(form),
    scales: { x: kind === "bars" ? { range: (chart, low, high) => aired(low, high, times.length) } : {}, y: { range: (chart, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
    axes: [
      { stroke: ink, grid: { show: false }, ticks: { show: false }, font: FONT, gap: 8, space: LABEL_WIDTH, size: 28, ...timeMarks(times) },
      { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: FONT, size: 60, gap: 6, values: (chart, marks) => marks.map((mark) => unit + compact(mark)) },
    ],
    series: [
      {},
      ...order.map((at) => ({
        label: series[at].label,
        stroke: colours[at],
        fill: kind === "bars" ? colours[at] : undefined,
        width: kind === "bars" ? 0 : 2,
        paths: kind === "bars" ? bars : kind === "steps" ? steps : undefined,
        points: { show: kind === "lines" && times.length < 40 },
      })),
    ],
    hooks: { setCursor: [(chart) => tip(box, chart, times, series, colours, tell)] },
  };
  return new uPlot(options, [times.map((time) => Date.parse(time) / 1000), ...order.map((at) => stacked[at])], box);
}

const LABEL_WIDTH = 64;
const SHORT_MONTH = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", month: "short", year: "numeric" });

/** Months are marked where they stand, as many as have room; other times by the calendar. */
function timeMarks(times) {
  const instants = times.map((time) => new Date(time));
  const months = instants.every((one) => one.getUTCDate() === 1 && one.getTime() % 86_400_000 === 0);
  if (!months) return { values: SHORT_DATES };
  return {
    splits: (chart) => {
      const each = Math.ceil((instants.length * (LABEL_WIDTH + 16)) / Math.max(chart.bbox.width / devicePixelRatio, 1));
      return instants.filter((_, at) => at % each === 0).map((one) => one.getTime() / 1000);
    },
    values: (chart, marks) => marks.map((mark) => SHORT_MONTH.format(new Date(mark * 1000))),
  };
}

const FONT = "12px system-ui, sans-serif";
const SHORT_DATES = [
  [3600 * 24 * 365, "{YYYY}", null, null, null, null, null, null, 1],
  [3600 * 24 * 28, "{MMM} {YYYY}", null, null, null, null, null, null, 1],
  [3600 * 24, "{D} {MMM}", null, null, null, null, null, null, 1],
  [3600, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
  [60, "{HH}:{mm}", null, null, null, null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
];

function sums(heights) {
  const below = heights[0]?.map(() => 0) ?? [];
  return heights.map((values) => values.map((value, at) => (below[at] += value ?? 0)));
}

/** Half a bar of air on both sides. */
function aired(low, high, count) {
  const step = count > 1 ? (high - low) / (count - 1) : 86_400;
  return [low - step / 2, high + step / 2];
}

const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const compact = (value) => COMPACT.format(value);

function tip(box, chart, times, series, colours, tell) {
  let element = box.querySelector(".tip");
  const at = chart.cursor.idx;
  if (at === null || at === undefined || chart.cursor.left < 0) {
    element?.remove();
    return;
  }
  if (!element) {
    element = document.createElement("div");
    element.className = "tip";
    element.setAttribute("aria-hidden", "true");
    box.append(element);
  }
  const rows = series.map((one, place) => {
    const row = document.createElement("div");
    const mark = document.createElement("i");
    mark.style.background = colours[place];
    const name = document.createElement("span");
    name.textContent = one.label;
    const value = document.createElement("b");
    value.textContent = one.values[at] === null ? "–" : tell(one.values[at]);
    row.append(mark, name, value);
    return row;
  });
  const title = document.createElement("strong");
  const whole = times.every((time) => Date.parse(time) % 86_400_000 === 0);
  title.textContent = new Date(times[at]).toLocaleString("en-GB", { timeZone: "UTC", dateStyle: "medium", ...(whole ? {} : { timeStyle: "short" }) });
  element.replaceChildren(title, ...rows);
  const width = chart.over.clientWidth;
  const left = chart.over.offsetLeft + chart.cursor.left;
  const right = chart.cursor.left > width / 2;
  element.style.transform = `translate(${right ? left - element.offsetWidth - 12 : left + 12}px, 8px)`;
}

/** A colour of the style sheet as the canvas takes it. */
export function resolved(box, colour) {
  const probe = document.createElement("span");
  probe.style.color = colour;
  box.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export function watchColours(changed) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const themed = new MutationObserver(changed);
  dark.addEventListener("change", changed);
  themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    dark.removeEventListener("change", changed);
    themed.disconnect();
  };
}
