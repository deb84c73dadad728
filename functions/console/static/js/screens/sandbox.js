// The world's controls: time, faults, snapshots, and what was asked of it.

import { html, useState } from "../view.js";
import { call, file, get, optional, path, post, save } from "../api.js";
import { useAction, useLoaded } from "../hooks.js";
import { bytes, date, clockTime, second, words } from "../format.js";
import { Badge, Button, Code, Do, Empty, Field, Form, Loaded, Panel, Screen, Select, Table, Time } from "../parts.js";

export function Sandbox({ clock, reloadClock }) {
  if (!clock) return html`<${Screen} title="Sandbox"><${Empty} title="This stage has no sandboxes">The clock is real here, and nothing goes wrong on purpose.<//><//>`;
  return html`<${Screen} title="Sandbox" lead="The world of this tab's token: others do not notice">
    <${Clock} clock=${clock} moved=${reloadClock} />
    <${Faults} />
    <${Snapshots} moved=${reloadClock} />
    <${Requests} />
    <${Reset} moved=${reloadClock} />
  <//>`;
}

const STEPS = [["PT1H", "1 hour"], ["P1D", "1 day"], ["P7D", "1 week"], ["P1M", "1 month"], ["P1Y", "1 year"]];

function Clock({ clock, moved }) {
  const action = useAction();
  const move = (body) =>
    action.act(async () => {
      await post("/mock/clock", body);
      moved();
    });
  return html`<${Panel} title="Clock" note=${clock.frozen_at ? "stands still" : "follows real time"} wide>
    <p class="now-at"><b class="value">${clockTime(clock.now)}</b> <span>${date(clock.now)} UTC</span></p>
    <div class="actions">
      <span class="note">Advance by</span>
      ${STEPS.map(([advance, title]) => html`<${Button} busy=${action.busy} onClick=${() => move({ advance })}>${title}<//>`)}
      ${clock.frozen_at && html`<${Button} busy=${action.busy} onClick=${() => move({ system: true })}>Follow real time<//>`}
    </div>
    <${Form} inline submit=${(values) => move({ now: `${values.at}:00Z` })} action=${action} go="Stop there" tone=""><${Field} label="Or go to (UTC)" name="at" type="datetime-local" required value=${clock.now.slice(0, 16)} /><//>
    <p class="note">${action.busy ? "Doing what falls due on the way …" : "What falls due on the way is done, in order: invoices become final, credits expire, webhooks are sent."}</p>
  <//>`;
}

const KINDS = ["status", "latency", "drop", "webhook_loss", "webhook_duplicate", "webhook_reorder", "webhook_bad_signature"];

function Faults() {
  const faults = useLoaded((signal) => get("/mock/faults", {}, signal), [], { every: 5000 });
  const action = useAction();
  const [kind, setKind] = useState("status");
  const webhook = kind.startsWith("webhook");
  const add = (values) =>
    action.act(async () => {
      const fault = { kind, ...(values.status && { status: Number(values.status) }), ...(values.milliseconds && { milliseconds: Number(values.milliseconds) }), ...(values.pattern && { [webhook ? "event" : "path"]: values.pattern }), ...(values.count && { count: Number(values.count) }) };
      await post("/mock/faults", { faults: [fault] });
      faults.reload();
    });
  return html`<${Panel} title="Faults" note="what goes wrong on purpose" wide actions=${faults.value?.data.length > 0 && html`<${Do} work=${() => call("DELETE", "/mock/faults")} done=${faults.reload}>Remove all<//>`}>
    <${Loaded} state=${faults} what="faults" lines=${1}>${({ data }) =>
      html`<${Table} caption="Faults" rows=${data} empty=${html`<${Empty} title="Everything goes right">Add a fault to see how your program takes it.<//>`} columns=${[
        { title: "Fault", cell: (one) => `${words(one.kind)}${one.status ? ` ${one.status}` : ""}${one.milliseconds ? `, ${one.milliseconds} ms` : ""}` },
        { title: "Where", cell: (one) => html`<code>${one.path ?? one.event ?? "everywhere"}</code>` },
        { title: "Happened", right: true, name: "fired", cell: (one) => `${one.fired}${one.count ? ` of ${one.count}` : ""}` },
        { title: "", right: true, cell: (one) => html`<${Do} tone="small" label=${`Remove ${words(one.kind)}`} work=${() => call("DELETE", path`/mock/faults/${one.id}`)} done=${faults.reload}>Remove<//>` },
      ]} />`}<//>
    <${Form} inline submit=${add} action=${action} go="Add" tone="">
      <${Select} label="What" name="kind" value=${kind} onChange=${setKind} options=${KINDS.map((one) => [one, words(one)])} />
      ${kind === "status" && html`<${Select} label="Answer" name="status" value="503" options=${["503", "500", "429"].map((one) => [one, one])} />`}
      ${kind === "latency" && html`<${Field} label="Milliseconds" name="milliseconds" type="number" min="1" value="500" required />`}
      <${Field} label=${webhook ? "Events" : "Paths"} name="pattern" placeholder=${webhook ? "invoice.*" : "/v1/ingest"} />
      <${Field} label="Times" name="count" type="number" min="1" placeholder="always" size="8" />
    <//>
  <//>`;
}

function Snapshots({ moved }) {
  const snapshots = useLoaded((signal) => get("/mock/snapshots", {}, signal), []);
  const action = useAction();
  const keep = (values, form) =>
    action.act(async () => {
      await post("/mock/snapshot", { name: values.name });
      form.reset();
      snapshots.reload();
    });
  return html`<${Panel} title="Snapshots" note="all there is, to come back to" wide>
    <${Loaded} state=${snapshots} what="snapshots" lines=${1}>${({ data }) =>
      html`<${Table} caption="Snapshots" rows=${data} rowKey=${(one) => one.name} empty=${html`<${Empty} title="Nothing saved">Save the world before you try something.<//>`} columns=${[
        { title: "Name", cell: (one) => one.name },
        { title: "Its clock", cell: (one) => html`<${Time} of=${one.now} />` },
        { title: "Saved", cell: (one) => html`<${Time} of=${one.created_at} />` },
        { title: "Size", right: true, cell: (one) => bytes(one.size_bytes) },
        { title: "", right: true, cell: (one) => html`<span class="actions"><${Do} tone="small primary" label=${`Restore ${one.name}`} work=${() => post("/mock/restore", { name: one.name })} done=${moved} confirm=${{ title: "Bring this world back?", text: "What is there now is gone, unless you save it first.", yes: "Restore" }}>Restore<//><${Do} tone="small" label=${`Download ${one.name}`} work=${async () => save(await file(path`/mock/snapshots/${one.name}`), `${one.name}.json.gz`)}>Download<//><${Do} tone="small danger" label=${`Delete ${one.name}`} work=${() => call("DELETE", path`/mock/snapshots/${one.name}`)} done=${snapshots.reload}>Delete<//></span>` },
      ]} />`}<//>
    <${Form} inline submit=${keep} action=${action} go="Save" tone=""><${Field} label="Name" name="name" required placeholder="before" /><//>
  <//>`;
}

const LATEST = 30;

function Requests() {
  const [pattern, setPattern] = useState("");
  const requests = useLoaded((signal) => get("/mock/requests", { latest: LATEST, path: pattern }, signal), [pattern], { every: 4000 });
  return html`<${Panel} title="Requests" note="the last 500 calls of this token; the console's own are left out" wide actions=${html`<${Do} work=${() => call("DELETE", "/mock/requests")} done=${requests.reload}>Clear the log<//>`}>
    <${Form} inline submit=${(values) => setPattern(values.path)} go="Find" tone=""><${Field} label="Path" name="path" placeholder="/v1/customers*" /><//>
    <${Loaded} state=${requests} what="requests">${({ data }) => html`
      <p class="note counts">${data.total} calls: ${Object.entries(data.by_status).map(([status, count]) => `${count} × ${status}`).join(", ") || "none"}</p>
      <${Table} caption="Requests" rows=${[...data.requests].reverse()} rowKey=${(one) => `${one.at} ${one.path}`} empty=${html`<${Empty} title="Nobody asked anything">Point your program at this server with the token of this tab.<//>`}
        detail=${(one) => html`<div class="event"><${Code} text=${one.body} label="Body" /><${Code} text=${one.reply} label="Reply" /></div>`} columns=${[
        { title: "When", cell: (one) => second(one.at) },
        { title: "Call", cell: (one) => html`<code>${one.method} ${one.path}</code>` },
        { title: "Fault", cell: (one) => one.fault ?? "–" },
        { title: "Answer", right: true, cell: (one) => html`<${Badge} tone=${one.status < 300 ? "good" : one.status < 500 ? "warn" : "bad"}>${one.status}<//>` },
      ]} />`}<//>
  <//>`;
}

function Reset({ moved }) {
  return html`<${Panel} title="Begin anew" wide><div class="actions"><${Do} tone="danger" work=${() => post("/mock/reset")} done=${moved} confirm=${{ title: "Empty this world?", text: "Customers, usage, invoices, catalog: everything of this token is gone. Snapshots stay.", yes: "Empty it" }}>Empty this world<//><span class="note">Snapshots stay.</span></div><//>`;
}
