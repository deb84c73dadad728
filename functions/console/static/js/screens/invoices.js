// The invoices of everybody.

import { html, useEffect, useState } from "../view.js";
import { get } from "../api.js";
import { quantity } from "../format.js";
import { Button, Choice, Panel, Screen, Trouble, Unrated } from "../parts.js";
import { InvoiceRows } from "../invoice-rows.js";

const AT_ONCE = 25;
const MOST = 50;

export function Invoices() {
  const [status, setStatus] = useState("FINALIZED");
  return html`<${Screen} title="Invoices" lead="Of all customers, in the order in which they came">
    <div class="bar"><${Choice} label="Which invoices" value=${status} onChange=${setStatus} options=${[["FINALIZED", "Final"], ["DRAFT", "Drafts"], ["VOID", "Void"], ["", "All"]]} /></div>
    <${Listed} key=${status} status=${status} />
  <//>`;
}

/** Goes on through the customers until there is a page's worth; drafts are computed on the way. */
function Listed({ status }) {
  const [state, setState] = useState({ rows: [], failed: [], next: undefined, busy: true });
  const more = async (from, signal) => {
    let { rows, failed, next } = from;
    const wanted = rows.length + AT_ONCE;
    try {
      do {
        const reply = await get("/reports/invoices", { status, limit: status && status !== "DRAFT" ? MOST : AT_ONCE, next_page: next }, signal);
        rows = [...rows, ...reply.data];
        failed = [...failed, ...reply.failed];
        next = reply.next_page;
        setState({ rows, failed, next, busy: Boolean(next) && rows.length < wanted });
      } while (next && rows.length < wanted);
    } catch (error) {
      if (error.name !== "AbortError") setState({ rows, failed, next, busy: false, error });
    }
  };
  useEffect(() => {
    const aborter = new AbortController();
    more({ rows: [], failed: [], next: undefined }, aborter.signal);
    return () => aborter.abort();
  }, []);
  if (state.error && state.rows.length === 0) return html`<${Trouble} error=${state.error} what="invoices" />`;
  return html`<${Unrated} customers=${state.failed} />
  <${Panel} title="Invoices" wide note=${state.busy ? `${quantity(state.rows.length)} so far …` : `${quantity(state.rows.length)}${state.next ? " of more" : ""}`}>
    ${state.busy && state.rows.length === 0 ? html`<div class="waiting" role="status" aria-label="Loading"><span></span><span></span><span></span></div>` : html`<${InvoiceRows} rows=${state.rows} named />`}
    ${state.error && html`<${Trouble} error=${state.error} what="the rest" />`}
    ${state.next && html`<div class="pager"><${Button} busy=${state.busy} onClick=${() => { setState({ ...state, busy: true }); more(state); }}>Show more<//></div>`}
  <//>`;
}
