// What other prices would come to: models over the same quantities, plotted beside each other.

import { html, useState } from "../view.js";
import { post } from "../api.js";
import { grouped } from "../exact.js";
import { useAction } from "../hooks.js";
import { quantity, words } from "../format.js";
import { Button, Empty, Field, Form, Panel, Select, Table } from "../parts.js";
import { Curves } from "../curves.js";

const POINTS = 24;

const SAMPLES = [
  { name: "Flat", model: "flat", unitPrice: "0.01", tiers: "" },
  { name: "Graduated", model: "graduated", unitPrice: "", tiers: "10000: 0.01\n50000: 0.008\nrest: 0.005" },
  { name: "Volume", model: "volume", unitPrice: "", tiers: "10000: 0.01\n50000: 0.008\nrest: 0.005" },
];

export function Simulator() {
  const [prices, setPrices] = useState(SAMPLES);
  const [most, setMost] = useState("100000");
  const [compared, setCompared] = useState(null);
  const action = useAction();
  const change = (place, field, value) => setPrices(prices.map((one, at) => (at === place ? { ...one, [field]: value } : one)));
  const compare = () =>
    action.act(async () => {
      const names = Array.from({ length: POINTS + 1 }, (_, step) => Math.round((Number(most) * step) / POINTS));
      const quantities = Object.fromEntries(names.map((number) => [String(number), number]));
      const reply = await post("/metering/v1/simulations/compare", { prices: prices.map(asked), quantities });
      setCompared({ quantities: Object.keys(quantities).map(Number).sort((a, b) => a - b), prices: reply.prices });
    });
  return html`<${Panel} title="Prices to compare" wide>
      <${Form} submit=${compare} action=${action} go="Compare">
        <div class="tiers">${prices.map((one, place) => html`<fieldset key=${place}>
          <legend class="hidden">Price ${place + 1}</legend>
          <${Field} label="Name" value=${one.name} required onInput=${(event) => change(place, "name", event.currentTarget.value)} />
          <${Select} label="Model" value=${one.model} onChange=${(value) => change(place, "model", value)} options=${["flat", "graduated", "volume", "package"].map((model) => [model, words(model)])} />
          ${one.model === "flat" || one.model === "package" ? html`<${Field} label=${one.model === "flat" ? "Dollars a unit" : "Dollars a package"} value=${one.unitPrice} required inputmode="decimal" onInput=${(event) => change(place, "unitPrice", event.currentTarget.value)} />` : html`<${Field} label="Steps" hint="Up to: dollars a unit"><textarea rows="4" value=${one.tiers} onInput=${(event) => change(place, "tiers", event.currentTarget.value)}></textarea><//>`}
          ${one.model === "package" && html`<${Field} label="Units in a package" value=${one.packageSize ?? ""} required inputmode="decimal" onInput=${(event) => change(place, "packageSize", event.currentTarget.value)} />`}
          ${prices.length > 1 && html`<${Button} tone="small" onClick=${() => setPrices(prices.filter((_, at) => at !== place))}>Leave out<//>`}
        </fieldset>`)}</div>
        <div class="bar"><${Field} label="Up to how many units" type="number" min="1" value=${most} onInput=${(event) => setMost(event.currentTarget.value)} />${prices.length < 6 && html`<${Button} onClick=${() => setPrices([...prices, { name: `Price ${prices.length + 1}`, model: "flat", unitPrice: "0.01", tiers: "" }])}>Another price<//>`}</div>
      <//>
    <//>
    <${Panel} title="What they come to" wide>${compared ? html`<${Compared} compared=${compared} />` : html`<${Empty} title="Not compared yet">The simulator computes each price at ${POINTS} quantities; nothing is kept.<//>`}<//>`;
}

/** "10000: 0.01" a line, the last one "rest: 0.005"; written as it was typed, digit by digit. */
function asked({ name, model, unitPrice, tiers, packageSize }) {
  const price = { model };
  if (model === "flat" || model === "package") price.unitPrice = unitPrice;
  else
    price.tiers = tiers.split("\n").filter((line) => line.trim()).map((line) => {
      const [upTo, each] = line.split(":").map((part) => part.trim());
      return { ...(upTo === "rest" ? {} : { upTo }), unitPrice: each };
    });
  if (model === "package") price.packageSize = packageSize;
  return { name, price };
}

const dollars = (amount) => `$${grouped(amount ?? 0, { least: 2 })}`;

function Compared({ compared }) {
  const { quantities, prices } = compared;
  return html`<${Curves} label="Price by quantity" xs=${quantities} series=${prices.map((one) => ({ label: one.name, values: quantities.map((number) => one.amounts[String(number)]) }))} tell=${dollars} />
    <details><summary>As a table</summary><${Table} caption="Price by quantity" rows=${quantities.map((number) => ({ id: number, number }))} columns=${[
      { title: "Units", cell: (row) => quantity(row.number) },
      ...prices.map((one) => ({ title: one.name, right: true, name: one.name, cell: (row) => dollars(one.amounts[String(row.number)]) })),
    ]} /></details>`;
}
