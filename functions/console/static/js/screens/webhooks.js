// Who is told what, and what became of it.

import { html, useState } from "../view.js";
import { call, get, path, post } from "../api.js";
import { useAction, useLoaded } from "../hooks.js";
import { second } from "../format.js";
import { Badge, Button, Choice, Code, Do, Empty, Field, Form, Id, Loaded, Panel, Screen, State, Table, Time } from "../parts.js";

const PAGE = 25;

export function Webhooks() {
  const targets = useLoaded((signal) => get("/webhooks/subscriptions", {}, signal), []);
  return html`<${Screen} title="Webhooks" actions=${html`<${Do} work=${() => post("/webhooks/test")}>Send a test event<//>`}>
    <${Targets} targets=${targets} />
    <${Deliveries} />
  <//>`;
}

function Targets({ targets }) {
  const action = useAction();
  const add = (values, form) =>
    action.act(async () => {
      await post("/webhooks/subscriptions", { target: values.target });
      form.reset();
      targets.reload();
    });
  return html`<${Panel} title="Targets" wide>
    <${Loaded} state=${targets} what="targets" lines=${1}>${({ data }) =>
      html`<${Table} caption="Targets" rows=${data.map((one) => (typeof one === "string" ? { id: one, target: one } : { id: one.target ?? one.url, ...one, target: one.target ?? one.url }))} empty=${html`<${Empty} title="Nobody is told anything">Add the address of your server: it gets every event by POST, signed.<//>`} columns=${[
        { title: "Address", cell: (one) => html`<code>${one.target}</code>` },
        { title: "", right: true, cell: (one) => html`<${Do} tone="small danger" label=${`Remove ${one.target}`} work=${() => call("DELETE", "/webhooks/subscriptions", { body: { target: one.target } })} done=${targets.reload} confirm=${{ title: "Remove this target?", text: "What is on its way to it is canceled.", yes: "Remove" }}>Remove<//>` },
      ]} />`}<//>
    <${Form} inline submit=${add} action=${action} go="Add"><${Field} label="New target" name="target" type="url" required placeholder="http://127.0.0.1:8000/webhooks" size="40" /><//>
  <//>`;
}

const STATES = [["", "All"], ["PENDING", "Waiting"], ["DELIVERED", "Delivered"], ["DEAD", "Given up"]];

function Deliveries() {
  const [state, setState] = useState("");
  const [trail, setTrail] = useState([undefined]);
  const next = trail.at(-1);
  const deliveries = useLoaded((signal) => get("/webhooks/deliveries", { limit: PAGE, state, next_page: next }, signal), [state, next], { every: 3000 });
  const choose = (value) => {
    setState(value);
    setTrail([undefined]);
  };
  return html`<${Panel} title="Deliveries" wide actions=${html`<${Choice} label="Which deliveries" value=${state} onChange=${choose} options=${STATES} />`}>
    <${Loaded} state=${deliveries} what="deliveries">${({ data, next_page: more }) => html`
      <${Table} caption="Deliveries" rows=${data} rowKey=${(one) => `${one.event_id} ${one.target}`} empty=${html`<${Empty} title=${state ? "None of this kind" : "Nothing was sent yet"}>Events are sent to targets that were there when they happened.<//>`}
        detail=${(one) => html`<${Told} delivery=${one} done=${deliveries.reload} />`} columns=${[
        { title: "Event", cell: (one) => html`<code>${one.event_type}</code>` },
        { title: "To", cell: (one) => html`<code>${one.target}</code>` },
        { title: "When", cell: (one) => html`<${Time} of=${one.created_at} />` },
        { title: "Attempts", right: true, name: "attempts", cell: (one) => one.attempts.length },
        { title: "State", right: true, name: "state", cell: (one) => html`<${State} of=${one.state} />` },
      ]} />
      ${(trail.length > 1 || more) && html`<div class="pager"><span class="note">Page ${trail.length}</span><${Button} disabled=${trail.length === 1} onClick=${() => setTrail(trail.slice(0, -1))}>Newer<//><${Button} disabled=${!more} onClick=${() => setTrail([...trail, more])}>Older<//></div>`}`}<//>
  <//>`;
}

function Told({ delivery, done }) {
  const event = useLoaded((signal) => get(path`/webhooks/events/${delivery.event_id}`, {}, signal), [delivery.event_id]);
  return html`<div class="event">
    <div class="actions"><span class="note">Event <${Id} of=${delivery.event_id} /></span><${Do} tone="primary small" work=${() => post("/webhooks/redeliver", { event_id: delivery.event_id, target: delivery.target })} done=${done}>Deliver again<//></div>
    <${Table} caption="Attempts" rows=${delivery.attempts} rowKey=${(one, place) => place} empty=${html`<p class="note">Not tried yet.</p>`} columns=${[
      { title: "Attempt", cell: (one) => `${second(one.at)} UTC` },
      { title: "Answer", name: "answer", cell: (one) => (one.status ? html`<${Badge} tone=${one.status < 300 ? "good" : "bad"}>${one.status}<//>` : html`<${Badge} tone="bad">none<//>`) },
      { title: "Error", cell: (one) => one.error ?? "–" },
      { title: "Took", right: true, cell: (one) => (one.duration_ms === undefined ? "–" : `${one.duration_ms} ms`) },
    ]} />
    <${Loaded} state=${event} what="the event">${({ data }) => html`<${Code} text=${data.body} label="Payload" />`}<//>
  </div>`;
}
