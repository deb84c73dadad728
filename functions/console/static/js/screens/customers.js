// All customers: page by page, or those that fit a search.

import { html, useEffect, useState } from "../view.js";
import { get, post } from "../api.js";
import { at, go, useAction, useLoaded } from "../hooks.js";
import { quantity } from "../format.js";
import { Button, Choice, Dialog, Empty, Field, Form, Id, Loaded, Panel, Screen, Table, Time, Trouble } from "../parts.js";

const PAGE = 25;

export function Customers() {
  const [text, setText] = useState("");
  const [archived, setArchived] = useState(false);
  const [creating, setCreating] = useState(false);
  const wanted = useDelayed(text.trim(), 200);
  return html`<${Screen} title="Customers" actions=${html`<${Button} tone="primary" onClick=${() => setCreating(true)}>New customer<//>`}>
    <div class="bar">
      <input type="search" aria-label="Search customers" placeholder="Search by name, alias or id" value=${text} onInput=${(event) => setText(event.currentTarget.value)} />
      <${Choice} label="Which customers" value=${archived} onChange=${setArchived} options=${[[false, "Active"], [true, "Archived"]]} />
    </div>
    ${wanted ? html`<${Found} key=${`${wanted} ${archived}`} text=${wanted} archived=${archived} />` : html`<${Listed} key=${archived} archived=${archived} create=${() => setCreating(true)} />`}
    ${creating && html`<${NewCustomer} close=${() => setCreating(false)} />`}
  <//>`;
}

function Rows({ rows, empty }) {
  return html`<${Table} caption="Customers" rows=${rows} empty=${empty} columns=${[
    { title: "Name", name: "name", cell: (row) => html`<a href=${at("customers", row.id)}>${row.name}</a>` },
    { title: "Aliases", cell: (row) => row.ingest_aliases.slice(0, 3).join(", ") + (row.ingest_aliases.length > 3 ? ` and ${row.ingest_aliases.length - 3} more` : "") || "–" },
    { title: "Id", cell: (row) => html`<${Id} of=${row.id} />` },
    { title: "Created", right: true, cell: (row) => html`<${Time} of=${row.created_at} />` },
  ]} />`;
}

function Listed({ archived, create }) {
  // The tokens of the pages gone through, so that one can go back.
  const [trail, setTrail] = useState([undefined]);
  const next = trail.at(-1);
  const customers = useLoaded((signal) => get("/v1/customers", { limit: PAGE, only_archived: archived, next_page: next }, signal), [next, archived]);
  return html`<${Panel} title=${archived ? "Archived customers" : "Active customers"}><${Loaded} state=${customers} what="customers" lines=${6}>${({ data, next_page: more }) => html`
    <${Rows} rows=${data} empty=${archived ? html`<${Empty} title="Nobody is archived" />` : html`<${Empty} title="No customers yet"><button class="link" onClick=${create}>Create the first one</button>, or run the README's tour with this token.<//>`} />
    ${(trail.length > 1 || more) && html`<div class="pager"><span class="note">Page ${trail.length}</span>
      <${Button} disabled=${trail.length === 1} onClick=${() => setTrail(trail.slice(0, -1))}>Back<//>
      <${Button} disabled=${!more} onClick=${() => setTrail([...trail, more])}>Next<//></div>`}`}<//><//>`;
}

const ENOUGH = 50;

/** Whom the server finds; where it still goes through older customers, it is asked again. */
function Found({ text, archived }) {
  const [state, setState] = useState({ found: [] });
  useEffect(() => {
    const aborter = new AbortController();
    search(text, archived, aborter.signal, setState);
    return () => aborter.abort();
  }, []);
  const { found, done, more, error } = state;
  if (error) return html`<${Trouble} error=${error} what="customers" />`;
  const note = !done ? "searching …" : more ? `the first ${found.length}` : quantity(found.length);
  return html`<${Panel} title="Found" note=${note}><${Rows} rows=${found} empty=${done ? html`<${Empty} title="Nobody fits">Names and aliases are found by the beginnings of their words, in any case; ids as a whole.<//>` : html`<div class="waiting" role="status" aria-label="Searching"><span></span><span></span></div>`} /><//>`;
}

async function search(text, archived, signal, tell) {
  try {
    for (;;) {
      const found = [];
      let next;
      let complete;
      do {
        const reply = await get("/search/customers", { text, only_archived: archived, limit: ENOUGH, next_page: next }, signal);
        found.push(...reply.data);
        next = reply.next_page;
        complete = reply.complete;
      } while (next && found.length < ENOUGH);
      tell({ found, done: complete, more: Boolean(next) });
      if (complete) return undefined;
    }
  } catch (error) {
    return error.name === "AbortError" ? undefined : tell({ found: [], done: true, error });
  }
}

function NewCustomer({ close }) {
  const action = useAction();
  const create = (values) =>
    action.act(async () => {
      const aliases = values.aliases.split(",").map((one) => one.trim()).filter(Boolean);
      const { data } = await post("/v1/customers", { name: values.name, ingest_aliases: aliases });
      go(at("customers", data.id));
    });
  return html`<${Dialog} title="New customer" close=${close}>
    <${Form} submit=${create} action=${action} go="Create">
      <${Field} label="Name" name="name" required maxlength="160" />
      <${Field} label="Ingest aliases" name="aliases" hint="What events call this customer, separated by commas" autocomplete="off" />
    <//>
  <//>`;
}

function useDelayed(value, milliseconds) {
  const [known, setKnown] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setKnown(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value]);
  return known;
}
