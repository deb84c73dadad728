// What was billed, what recurs, what is owed: rows of all customers, added up here digit by digit.

import { html, useEffect, useState } from "../view.js";
import { file, get, pages, path, save } from "../api.js";
import { Chart } from "../chart.js";
import { add, compare, negated, sign } from "../exact.js";
import { at } from "../hooks.js";
import { date, money, month, monthStart, plotted, quantity, symbol, words } from "../format.js";
import { Badge, Choice, Do, Empty, Figure, Figures, Panel, Screen, State, Table, Tabs, Trouble } from "../parts.js";

const AMOUNTS = {
  revenue: [["usage", "Usage"], ["subscriptions", "Subscriptions"], ["commits", "Commits"], ["other", "Other"], ["credits_applied", "Credits applied"], ["total", "Total"]],
  mrr: [["starting", "At the start"], ["new", "New"], ["expansion", "Expansion"], ["contraction", "Contraction"], ["churned", "Churned"], ["mrr", "At the end"]],
  credits: [["granted", "Granted"], ["used", "Used"], ["by_hand", "By hand"], ["rolled_over", "Rolled over"], ["trued_up", "Trued up"], ["expired", "Expired"], ["change", "Change"]],
};
const COUNTS = [["active_at_start", "At the start"], ["won", "Won"], ["lost", "Lost"], ["active_at_end", "At the end"]];

const REPORTS = {
  revenue: ["Revenue", "Final invoices by the month they were issued in. Void ones are left out."],
  mrr: ["Recurring revenue", "What subscriptions come to in a month, at each month's end. The running month ends now."],
  churn: ["Churn", "Customers with a running contract at the start and at the end of each month."],
  credits: ["Credit burn", "What moved commits and credits, as their ledgers say."],
  payments: ["Failed payments", "Payments that came to nothing, and where their invoices stand now."],
  receivables: ["Receivables", "Final invoices that nobody is known to have paid, by how long they are overdue."],
};

const SPANS = { six: ["6 months", 5], year: ["12 months", 11], two: ["2 years", 23] };

export function Reports({ steps, now }) {
  const name = REPORTS[steps[1]] ? steps[1] : "revenue";
  const [span, setSpan] = useState("year");
  const query = { starting_on: monthStart(now, -SPANS[span][1]), ending_before: monthStart(now, 1) };
  return html`<${Screen} title="Reports" lead=${REPORTS[name][1]} actions=${html`<${Do} work=${() => download(name, query)}>Save as CSV<//>`}>
    <${Tabs} label="Reports" current=${name} tabs=${Object.entries(REPORTS).map(([key, [title]]) => [key, title, at("reports", key)])} />
    ${name !== "receivables" && html`<div class="bar"><${Choice} label="Time" value=${span} onChange=${setSpan} options=${Object.entries(SPANS).map(([key, [title]]) => [key, title])} /></div>`}
    <${Report} key=${`${name} ${span}`} name=${name} query=${query} now=${now} />
  <//>`;
}

/** All pages of a report as one file; only the first begins with the names of the columns. */
async function download(name, query) {
  const parts = [];
  for await (const { text } of csvPages(name, query)) parts.push(parts.length ? text.slice(text.indexOf("\n") + 1) : text);
  save(new Blob(parts, { type: "text/csv" }), `${name}.csv`);
}

async function* csvPages(name, query) {
  let next;
  do {
    const reply = await file(path`/reports/${name}`, { ...query, format: "csv", limit: 200, next_page: next }, { whole: true });
    yield { text: await reply.text() };
    next = reply.headers.get("x-next-page") ?? undefined;
  } while (next);
}

function Report({ name, query, now }) {
  const [state, setState] = useState({ rows: [], done: false });
  useEffect(() => {
    const aborter = new AbortController();
    collect(name, query, aborter.signal, setState);
    return () => aborter.abort();
  }, []);
  const { rows, done, error } = state;
  if (error) return html`<${Trouble} error=${error} what="the report" />`;
  if (!done && rows.length === 0) return html`<${Panel} title=${REPORTS[name][0]}><div class="waiting" role="status" aria-label="Loading"><span></span><span></span><span></span></div><//>`;
  if (rows.length === 0) return html`<${Panel} title=${REPORTS[name][0]}><${Empty} title="Nothing in this time">${name === "payments" ? "Every payment went through." : name === "receivables" ? "Nobody owes anything." : "Reports fill with final invoices and running contracts."}<//><//>`;
  const note = done ? null : html`<p class="note" role="status">More customers are being added up …</p>`;
  if (name === "churn") return html`${note}<${Churn} rows=${rows} />`;
  if (AMOUNTS[name]) return html`${note}${byUnit(rows).map(({ unit, rows: own }) => html`<${Monthly} key=${unit.id} name=${name} unit=${unit} rows=${own} />`)}`;
  return html`${note}${byUnit(rows).map(({ unit, rows: own }) => html`<${Listed} key=${unit.id} name=${name} unit=${unit} rows=${own} />`)}`;
}

async function collect(name, query, signal, tell) {
  const rows = [];
  try {
    for await (const { data } of pages((next) => get(path`/reports/${name}`, { ...query, limit: 100, next_page: next }, signal))) {
      rows.push(...data);
      tell({ rows: [...rows], done: false });
    }
    tell({ rows, done: true });
  } catch (error) {
    if (error.name !== "AbortError") tell({ rows: [], done: true, error });
  }
}

function byUnit(rows) {
  const units = new Map();
  for (const row of rows) {
    const known = units.get(row.unit.id) ?? { unit: row.unit, rows: [] };
    known.rows.push(row);
    units.set(row.unit.id, known);
  }
  return [...units.values()];
}

function byMonth(rows, names) {
  const months = new Map();
  for (const row of rows) {
    const sum = months.get(row.month) ?? { month: row.month, ...Object.fromEntries(names.map((name) => [name, 0])) };
    for (const name of names) sum[name] = add(sum[name], row[name]);
    months.set(row.month, sum);
  }
  return [...months.values()].sort((a, b) => (a.month < b.month ? -1 : 1));
}

function Monthly({ name, unit, rows }) {
  const amounts = AMOUNTS[name];
  const months = byMonth(rows, [...amounts.map(([key]) => key), ...(name === "revenue" ? ["ledger_used", "untied", "paid_though_void", "invoices"] : [])]);
  const [drawn] = name === "revenue" ? ["total"] : name === "mrr" ? ["mrr"] : ["used"];
  const last = amounts.at(-1)[0];
  const all = (key) => add(0, ...months.map((one) => one[key]));
  return html`
    ${name === "revenue" && html`<${Figures}>
      <${Figure} name="total" label="Billed" value=${money(all("total"), unit)} note=${`${quantity(all("invoices"))} final invoices`} />
      <${Figure} name="applied" label="Paid by commits and credits" value=${money(negated(all("credits_applied")), unit)} note=${`ledgers say ${money(all("ledger_used"), unit)}`} />
      <${Figure} name="untied" label="Not tied to a ledger" value=${money(all("untied"), unit)} tone=${sign(all("untied")) ? "bad" : ""} note=${sign(all("untied")) ? "paid from balances that others share" : "invoices and ledgers agree"} />
      ${sign(all("paid_though_void")) !== 0 && html`<${Figure} name="paid-though-void" label="Paid for void invoices" value=${money(all("paid_though_void"), unit)} tone="warn" note="not in what is billed" />`}
    <//>`}
    ${name === "mrr" && html`<${Figures}>
      <${Figure} name="mrr" label="Recurring a month" value=${money(months.at(-1).mrr, unit)} note=${month(months.at(-1).month)} />
      <${Figure} label="A year of that" value=${money(add(...Array(12).fill(months.at(-1).mrr)), unit)} />
      <${Figure} label="Churned in this time" value=${money(negated(all("churned")), unit)} tone=${sign(all("churned")) ? "warn" : ""} />
    <//>`}
    <${Panel} title=${`${REPORTS[name][0]} by month`} note=${unit.name} wide>
      <${Chart} label=${`${REPORTS[name][0]} by month in ${unit.name}`} kind="bars" alone=${false} times=${months.map((one) => one.month)} labelOf=${month} unit=${symbol(unit)}
        tell=${(value) => money(value, unit)} height=${(value) => plotted(value, unit)}
        series=${chartSeries(name, drawn, amounts, months)} />
      <${Table} caption=${`${REPORTS[name][0]} by month`} rows=${[...months].reverse()} rowKey=${(one) => one.month} columns=${[
        { title: "Month", cell: (one) => month(one.month) },
        ...amounts.map(([key, title]) => ({ title, right: true, name: key, cell: (one) => (key === last ? html`<b>${money(one[key], unit)}</b>` : money(one[key], unit)) })),
      ]} />
    <//>
    <${ByCustomer} rows=${rows} unit=${unit} amount=${drawn} name=${name} />`;
}

function chartSeries(name, drawn, amounts, months) {
  const shown = name === "revenue" ? ["usage", "subscriptions", "commits", "other"] : [drawn];
  const titles = Object.fromEntries(amounts);
  return shown.map((key) => ({ label: titles[key], values: months.map((one) => (key === "used" ? negated(one[key]) : one[key])) }));
}

const MOST = 20;

function ByCustomer({ rows, unit, amount, name }) {
  const customers = new Map();
  const latest = rows.reduce((newest, row) => (row.month > newest ? row.month : newest), "");
  // What recurs is not added up over months: the last one counts.
  for (const row of name === "mrr" ? rows.filter((one) => one.month === latest) : rows) {
    const known = customers.get(row.customer_id) ?? { id: row.customer_id, name: row.customer_name, sum: 0 };
    known.sum = add(known.sum, row[amount]);
    customers.set(row.customer_id, known);
  }
  const found = [...customers.values()].sort((a, b) => (name === "credits" ? compare(a.sum, b.sum) : compare(b.sum, a.sum)));
  return html`<${Panel} title="By customer" note=${found.length > MOST ? `the first ${MOST} of ${quantity(found.length)}` : null} wide>
    <${Table} caption="By customer" rows=${found.slice(0, MOST)} columns=${[
      { title: "Customer", cell: (one) => html`<a href=${at("customers", one.id)}>${one.name}</a>` },
      { title: Object.fromEntries(AMOUNTS[name])[amount], right: true, name: "sum", cell: (one) => money(one.sum, unit) },
    ]} /><//>`;
}

function Churn({ rows }) {
  const months = byMonth(rows, COUNTS.map(([key]) => key));
  const share = (one) => (Number(one.active_at_start) ? `${((Number(one.lost) / Number(one.active_at_start)) * 100).toFixed(1)} %` : "–");
  const lost = rows.filter((row) => row.lost);
  return html`<${Panel} title="Customers by month" wide>
      <${Chart} label="Customers at the end of each month" kind="bars" alone=${false} times=${months.map((one) => one.month)} labelOf=${month} series=${[{ label: "At the end", values: months.map((one) => one.active_at_end) }]} />
      <${Table} caption="Customers by month" rows=${[...months].reverse()} rowKey=${(one) => one.month} columns=${[
        { title: "Month", cell: (one) => month(one.month) },
        ...COUNTS.map(([key, title]) => ({ title, right: true, name: key, cell: (one) => quantity(one[key]) })),
        { title: "Churn", right: true, cell: share },
      ]} />
    <//>
    <${Panel} title="Who left" wide><${Table} caption="Who left" rows=${lost} rowKey=${(one) => one.customer_id + one.month} empty=${html`<${Empty} title="Nobody left in this time" />`} columns=${[
      { title: "Customer", cell: (one) => html`<a href=${at("customers", one.customer_id)}>${one.customer_name}</a>` },
      { title: "Month", right: true, cell: (one) => month(one.month) },
    ]} /><//>`;
}

const AGES = ["not_due", "1-30", "31-60", "61-90", "over 90"];
const AGE_TITLES = { not_due: "Not due yet", "1-30": "1 to 30 days", "31-60": "31 to 60 days", "61-90": "61 to 90 days", "over 90": "Over 90 days" };

function Listed({ name, unit, rows }) {
  const sum = (found) => money(add(0, ...found.map((row) => row.total)), unit);
  const dated = name === "receivables";
  return html`<${Figures}>
      <${Figure} name="total" label=${dated ? "Owed" : "Tried in vain"} value=${sum(rows)} note=${dated ? `${rows.length} invoices` : `${rows.length} payments`} />
      ${dated && AGES.map((age) => [age, rows.filter((row) => row.age === age)]).filter(([, found]) => found.length).map(([age, found]) => html`<${Figure} name=${age} label=${AGE_TITLES[age]} value=${sum(found)} tone=${age === "not_due" ? "" : age === "1-30" ? "warn" : "bad"} />`)}
    <//>
    <${Panel} title=${REPORTS[name][0]} note=${unit.name} wide><${Table} caption=${REPORTS[name][0]} rows=${rows} rowKey=${(row, place) => `${row.invoice_id} ${place}`} columns=${[
      { title: "Customer", cell: (row) => html`<a href=${at("customers", row.customer_id)}>${row.customer_name}</a>` },
      { title: "Invoice", cell: (row) => html`<a href=${at("customers", row.customer_id, "invoices", row.invoice_id)}>${dated ? `issued ${date(row.issued_at)}` : `tried ${date(row.at)}`}</a>` },
      dated ? { title: "Due", cell: (row) => html`${date(row.due_at)} ${row.age !== "not_due" && html`<${Badge} tone=${row.age === "1-30" ? "warn" : "bad"}>${AGE_TITLES[row.age].toLowerCase()} late<//>`}` } : { title: "Why", cell: (row) => row.error || words(row.outcome) },
      { title: dated ? "At the provider" : "Invoice now", cell: (row) => html`<${State} of=${dated ? row.status : row.invoice_status} />` },
      { title: "Total", right: true, name: "total", cell: (row) => money(row.total, unit) },
    ]} /><//>`;
}
