// Curves over a quantity.

import { html, useEffect, useRef, useState } from "./view.js";
import { useDrawing } from "./drawing.js";
import { colourOf, resolved, watchColours } from "./chart.js";

const HEIGHT = 280;
const FONT = "12px system-ui, sans-serif";
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

/** `xs`: rising numbers; `series`: [{ label, values }] with an exact value for each of them. */
export function Curves({ label, xs, series, tell }) {
  const box = useRef(null);
  const [style, setStyle] = useState(0);
  useEffect(() => watchColours(() => setStyle((number) => number + 1)), []);
  const canDraw = useDrawing();
  useEffect(() => {
    if (!canDraw) return undefined;
    const ink = resolved(box.current, "var(--soft)");
    const line = resolved(box.current, "var(--line)");
    const axis = { stroke: ink, font: FONT, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    const chart = new uPlot(
      {
        width: box.current.clientWidth || 600,
        height: HEIGHT,
        padding: [12, 12, 0, 0],
        legend: { show: false },
        scales: { x: { time: false } },
        axes: [
          { ...axis, grid: { show: false }, size: 28, values: (_, marks) => marks.map((mark) => COMPACT.format(mark)) },
          { ...axis, size: 64, values: (_, marks) => marks.map((mark) => `$${COMPACT.format(mark)}`) },
        ],
        series: [{}, ...series.map((one, at) => ({ label: one.label, stroke: resolved(box.current, colourOf(at)), width: 2, points: { show: false } }))],
      },
      [xs, ...series.map((one) => one.values.map(Number))],
      box.current,
    );
    const resized = new ResizeObserver(([entry]) => chart.setSize({ width: entry.contentRect.width, height: HEIGHT }));
    resized.observe(box.current);
    return () => {
      resized.disconnect();
      chart.destroy();
    };
  }, [xs, series, style, canDraw]);
  return html`<figure class="chart"><div class="plot" ref=${box} role="img" aria-label=${label}></div>
    <figcaption><ul class="legend">${series.map((one, at) => html`<li><i style=${{ background: colourOf(at) }}></i>${one.label} <b>${tell(one.values.at(-1))}</b></li>`)}</ul></figcaption></figure>`;
}
