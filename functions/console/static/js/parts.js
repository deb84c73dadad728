// What all screens are made of.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./view.js";
import { at, useAction } from "./hooks.js";
import { second } from "./format.js";

export function Screen({ title, lead, actions, children }) {
  useEffect(() => {
    document.title = title ? `${title} · Backbeat` : "Backbeat";
  }, [title]);
  return html`<main id="main" tabindex="-1">
    <header class="screen-head">
      <div><h1>${title}</h1>${lead && html`<div class="lead">${lead}</div>`}</div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>
    ${children}
  </main>`;
}

export function Panel({ title, note, actions, children, wide, id }) {
  return html`<section class=${`panel${wide ? " wide" : ""}`} aria-label=${title} id=${id}>
    ${(title || actions) &&
    html`<header>
      <h2>${title}</h2>
      ${note && html`<span class="note">${note}</span>`}
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>`}
    ${children}
  </section>`;
}

export function Figure({ label, value, note, tone, name }) {
  return html`<div class=${`figure ${tone ?? ""}`} data-figure=${name}>
    <dt>${label}</dt>
    <dd><span class="value">${value}</span>${note && html`<span class="note">${note}</span>`}</dd>
  </div>`;
}

export const Figures = ({ children }) => html`<dl class="figures">${children}</dl>`;

export const Badge = ({ tone = "", children }) => html`<span class=${`badge ${tone}`}>${children}</span>`;

const TONES = {
  good: ["finalized", "paid", "ok", "delivered", "enabled", "active", "succeeded", "matched", "applied", "approved", "done", "resolved", "sent"],
  warn: ["draft", "pending", "waiting", "compensating", "incomplete", "queued", "partially_paid", "past_due", "requires_action", "processing", "investigate", "unknown", "open", "running"],
  bad: ["payment_failed", "uncollectible", "in_alarm", "dead", "failed", "stuck", "suspended", "drift", "error"],
  mute: ["void", "archived", "disabled", "evaluating", "canceled", "cancelled", "rejected", "reverted", "superseded"],
};
const toneOf = (word) => Object.keys(TONES).find((tone) => TONES[tone].includes(word)) ?? "";
/** A state of the API by its own word, coloured by what it means. */
export const State = ({ of }) => html`<${Badge} tone=${toneOf(String(of).toLowerCase())}>${String(of).replaceAll("_", " ").toLowerCase()}<//>`;

/**
 * Shows what was loaded. `state` is what useLoaded gives; `children` is a function of the value.
 * A value that could not be refreshed stays, and says so.
 */
export function Loaded({ state, children, lines = 3, what = "this" }) {
  if (state.value === undefined) {
    if (state.error) return html`<${Trouble} error=${state.error} retry=${state.reload} what=${what} />`;
    return html`<div class="waiting" role="status" aria-label="Loading">${Array.from({ length: lines }, () => html`<span></span>`)}</div>`;
  }
  return html`${state.error && html`<p class="stale" role="status">Not refreshed: ${state.error.message} <button class="link" onClick=${state.reload}>Try again</button></p>`}${children(state.value)}`;
}

export function Trouble({ error, retry, what }) {
  const hint =
    error.status === 401
      ? "Choose another token at the foot of the navigation."
      : error.status === 501
        ? "This part of the API is not built yet."
        : error.status === 0
          ? "Start it with “make start”, then try again."
          : null;
  return html`<div class="trouble" role="alert">
    <strong>Could not load ${what}.</strong> <span>${error.message}</span>${hint && html` <span>${hint}</span>`}
    ${retry && html`<button onClick=${retry}>Try again</button>`}
  </div>`;
}

/** Whose drafts cannot be computed, and why: nothing of them is in what stands beside. */
export function Unrated({ customers }) {
  if (customers.length === 0) return null;
  return html`<section class="trouble" role="alert" aria-label="Customers that cannot be rated">
    <strong>${customers.length === 1 ? "One customer" : `${customers.length} customers`} cannot be rated, so their drafts are missing here.</strong>
    <ul>${customers.slice(0, NAMED).map((one) => html`<li><a href=${at("customers", one.customer_id)}>${one.customer_name}</a>: ${one.message}</li>`)}</ul>
    ${customers.length > NAMED && html`<span>And ${customers.length - NAMED} more.</span>`}
  </section>`;
}

const NAMED = 5;

export const Empty = ({ title, children }) => html`<div class="empty"><strong>${title}</strong>${children && html`<p>${children}</p>`}</div>`;

/**
 * A table; at phone width each row is a card. `columns`: { title, cell(row), right?, name?, wide? }.
 */
export function Table({ caption, columns, rows, rowKey = (row, at) => row.id ?? at, empty, detail }) {
  const [open, setOpen] = useState(null);
  if (rows.length === 0) return empty ?? html`<${Empty} title="Nothing here yet" />`;
  const heads = detail ? [...columns, { title: "Details", cell: () => null, more: true }] : columns;
  return html`<div class="table"><table>
    <caption class="hidden">${caption}</caption>
    <thead><tr>${heads.map((one) => html`<th scope="col" class=${one.right ? "right" : ""}>${one.more ? html`<span class="hidden">${one.title}</span>` : one.title}</th>`)}</tr></thead>
    <tbody>${rows.map((row, at) => {
      const key = rowKey(row, at);
      const shown = open === key;
      return html`<tr key=${key} data-row=${key}>
          ${columns.map((one) => html`<td class=${one.right ? "right" : ""} data-label=${one.title} data-cell=${one.name}>${filled(one.cell(row))}</td>`)}
          ${detail && html`<td class="right"><button class="link" aria-expanded=${shown} onClick=${() => setOpen(shown ? null : key)}>${shown ? "Hide" : "Show"}</button></td>`}
        </tr>
        ${detail && shown && html`<tr key=${`${key} more`} class="detail"><td colspan=${heads.length}>${detail(row)}</td></tr>`}`;
    })}</tbody>
  </table></div>`;
}

/** An empty cell has nothing in it, so that it takes no room where rows are cards. */
const filled = (content) => (content === null || content === undefined || content === "" || content === false ? null : html`<div class="cell">${content}</div>`);

export function Button({ onClick, children, tone = "", busy, disabled, type = "button", ...rest }) {
  return html`<button type=${type} class=${tone} disabled=${disabled || busy} aria-busy=${busy ? "true" : undefined} onClick=${onClick} ...${rest}>${children}</button>`;
}

/** A button that runs `work` and shows what went wrong beside it. `confirm` asks first. */
export function Do({ work, done, confirm, tone, children, disabled, label }) {
  const action = useAction();
  const [asking, setAsking] = useState(false);
  const run = async () => {
    setAsking(false);
    if (await action.act(work)) done?.();
  };
  return html`<span class="do">
    <${Button} tone=${tone} busy=${action.busy} disabled=${disabled} aria-label=${label} onClick=${() => (confirm ? setAsking(true) : run())}>${children}<//>
    ${action.error && html`<${Problem} error=${action.error} />`}
    ${asking && html`<${Dialog} title=${confirm.title} close=${() => setAsking(false)}>
      <p>${confirm.text}</p>
      <div class="actions"><${Button} onClick=${() => setAsking(false)}>Keep as it is<//><${Button} tone=${tone ?? "primary"} onClick=${run}>${confirm.yes}<//></div>
    <//>`}
  </span>`;
}

export const Problem = ({ error }) => html`<p class="problem" role="alert">${error.message}</p>`;

export function Dialog({ title, close, children, wide }) {
  const element = useRef(null);
  useLayoutEffect(() => {
    element.current.showModal();
    const node = element.current;
    return () => node.open && node.close();
  }, []);
  return html`<dialog ref=${element} class=${wide ? "wide" : ""} aria-label=${title} onCancel=${(event) => { event.preventDefault(); close(); }} onClick=${(event) => event.target === element.current && close()}>
    <div class="dialog"><header><h2>${title}</h2><button class="link" onClick=${close} aria-label="Close">✕</button></header>${children}</div>
  </dialog>`;
}

/** A form: `submit(values)` is given the fields' values by name. */
export function Form({ submit, children, action, go = "Save", tone = "primary", inline }) {
  const send = (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = Object.fromEntries(new FormData(form));
    submit(values, form);
  };
  return html`<form class=${inline ? "inline" : ""} onSubmit=${send}>${children}
    <${Button} type="submit" tone=${tone} busy=${action?.busy}>${go}<//>
    ${action?.error && html`<${Problem} error=${action.error} />`}
  </form>`;
}

export function Field({ label, hint, children, ...input }) {
  const field = html`<label class="field"><span>${label}</span>${children ?? html`<input ...${input} />`}</label>`;
  return hint ? html`<div class="hinted">${field}<small>${hint}</small></div>` : field;
}

export function Select({ label, value, options, onChange, name, hidden }) {
  return html`<label class=${`field${hidden ? " bare" : ""}`}><span class=${hidden ? "hidden" : ""}>${label}</span><select name=${name} value=${value} onChange=${(event) => onChange?.(event.currentTarget.value)}>
    ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
  </select></label>`;
}

/** A choice of a few, as buttons in a row. */
export function Choice({ label, value, options, onChange }) {
  return html`<div class="choice" role="group" aria-label=${label}>${options.map(
    ([key, text]) => html`<button type="button" aria-pressed=${key === value} onClick=${() => onChange(key)}>${text}</button>`,
  )}</div>`;
}

export function Tabs({ label, current, tabs }) {
  const strip = useShownCurrent(current);
  return html`<nav class="tabs" aria-label=${label} ref=${strip}>${tabs.map(
    ([key, text, address]) => html`<a href=${address} aria-current=${key === current ? "page" : undefined}>${text}</a>`,
  )}</nav>`;
}

/** In a strip that is wider than its place, moves what is current into sight. */
export function useShownCurrent(current) {
  const strip = useRef(null);
  useEffect(() => {
    const shown = strip.current?.querySelector("[aria-current]");
    if (shown) strip.current.scrollLeft = shown.offsetLeft - strip.current.offsetLeft - (strip.current.clientWidth - shown.clientWidth) / 2;
  }, [current]);
  return strip;
}

/** An id, short to look at and whole to copy. */
export function Id({ of }) {
  const [copied, setCopied] = useState(false);
  if (!of) return "–";
  const copy = async () => {
    await navigator.clipboard?.writeText(of);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return html`<button class="id" title=${`Copy ${of}`} onClick=${copy}>${copied ? "copied" : of.length > 14 ? `${of.slice(0, 8)}…` : of}</button>`;
}

export const Time = ({ of }) => (of ? html`<time datetime=${of} title=${`${second(of)} UTC`}>${second(of).slice(0, -3)}</time>` : "–");

/** JSON as it was sent. */
export function Code({ text, label = "JSON" }) {
  let shown = text;
  try {
    shown = typeof text === "string" ? JSON.stringify(JSON.parse(text), null, 2) : JSON.stringify(text, null, 2);
  } catch {
    shown = text;
  }
  return html`<pre tabindex="0" role="region" aria-label=${label}><code>${shown || "(empty)"}</code></pre>`;
}

export const Groups = ({ of }) => {
  const entries = Object.entries(of ?? {});
  return entries.length ? html`<span class="groups">${entries.map(([key, value]) => html`<span><b>${key}</b> ${value}</span>`)}</span>` : null;
};

/** Pages of a list that is walked to and fro. */
export function Pager({ hasBefore, hasNext, before, next, children }) {
  return html`<div class="pager"><span class="note">${children}</span>
    <${Button} disabled=${!hasBefore} onClick=${before}>Newer<//><${Button} disabled=${!hasNext} onClick=${next}>Older<//></div>`;
}
