// The shell: navigation, whose world this is, and which screen is shown.

import { html, render, useEffect, useErrorBoundary, useState } from "./view.js";
import { get, optional, session } from "./api.js";
import { at, followLinks, go, useLoaded, usePlace } from "./hooks.js";
import { clockTime, date } from "./format.js";
import { Choice, Dialog, Empty, Field, Form, Screen, useShownCurrent } from "./parts.js";
import { Overview } from "./screens/overview.js";

/** A screen whose modules are loaded when it is opened, so that the first one waits for none. */
function lazily(load, name) {
  let known;
  return function Lazy(props) {
    const [Shown, setShown] = useState(() => known);
    useEffect(() => {
      if (Shown) return;
      load().then(
        (module) => setShown(() => (known = module[name])),
        (error) => setShown(() => () => { throw error; }),
      );
    }, []);
    return Shown ? html`<${Shown} ...${props} />` : html`<main id="main"></main>`;
  };
}

const Customers = lazily(() => import("./screens/customers.js"), "Customers");
const Customer = lazily(() => import("./screens/customer.js"), "Customer");
const Invoices = lazily(() => import("./screens/invoices.js"), "Invoices");
const Catalog = lazily(() => import("./screens/catalog.js"), "Catalog");
const Plans = lazily(() => import("./screens/plans.js"), "Plans");
const Metering = lazily(() => import("./screens/metering.js"), "Metering");
const Reports = lazily(() => import("./screens/reports.js"), "Reports");
const Webhooks = lazily(() => import("./screens/webhooks.js"), "Webhooks");
const Sandbox = lazily(() => import("./screens/sandbox.js"), "Sandbox");

const SCREENS = [
  ["", "Overview", Overview],
  ["customers", "Customers", ({ steps, ...rest }) => (steps[1] ? html`<${Customer} key=${steps[1]} id=${steps[1]} tab=${steps[2]} ...${rest} />` : html`<${Customers} ...${rest} />`)],
  ["invoices", "Invoices", Invoices],
  ["catalog", "Catalog", Catalog],
  ["plans", "Plans", Plans],
  ["metering", "Metering", Metering],
  ["reports", "Reports", Reports],
  ["webhooks", "Webhooks", Webhooks],
  ["sandbox", "Sandbox", Sandbox],
];

const MARK = html`<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true"><rect width="32" height="32" rx="8" fill="var(--accent)" /><g fill="var(--accent-ink)"><rect x="7" y="14" width="3.6" height="10" rx="1.8" /><rect x="14.2" y="7" width="3.6" height="17" rx="1.8" /><rect x="21.4" y="17" width="3.6" height="7" rx="1.8" /></g></svg>`;

function Shell() {
  const place = usePlace();
  const [token, setToken] = useState(session.token);
  const [asking, setAsking] = useState(false);
  const clock = useLoaded((signal) => optional(get("/mock/clock", {}, signal)), [token], { every: 5000 });
  const current = SCREENS.find(([name]) => name === (place.steps[0] ?? ""));
  const strip = useShownCurrent(current?.[0]);
  const enter = (next) => {
    session.token = next;
    setToken(next);
    setAsking(false);
    go(at());
  };
  const shared = { steps: place.steps, query: place.query, clock: clock.value?.data, now: clock.value?.data.now ?? new Date().toISOString(), reloadClock: clock.reload, token };
  return html`<div class="shell">
    <aside>
      <a class="brand" href=${at()}>${MARK}<span>Backbeat</span></a>
      <nav aria-label="Screens" ref=${strip}>${SCREENS.map(
        ([name, title]) => html`<a href=${name ? at(name) : at()} aria-current=${current?.[0] === name ? "page" : undefined}>${title}</a>`,
      )}</nav>
      <div class="foot">
        ${clock.value && html`<a class="clock" href=${at("sandbox")} title="The sandbox's clock, in UTC"><span>${clock.value.data.frozen_at ? "Clock stands at" : "Clock runs"}</span><b>${date(clock.value.data.now)}</b> <b>${clockTime(clock.value.data.now)}</b></a>`}
        <button class="token" onClick=${() => setAsking(true)}><span>Token</span><b>${token}</b></button>
        <${Theme} />
      </div>
    </aside>
    <${Guarded} key=${token + place.steps.slice(0, 2)}>
      ${clock.value === undefined && !clock.error ? html`<main id="main"></main>` : current ? html`<${current[2]} key=${token} ...${shared} />` : html`<${Screen} title="Nothing here"><${Empty} title="No screen has this address">Choose one from the navigation.<//><//>`}
    <//>
    ${asking && html`<${Dialog} title="Whose world?" close=${() => setAsking(false)}>
      <p>Every bearer token owns a world of its own. On your machine any text will do; deployed, it is one that <code>backbeat token create</code> printed. It is kept for this tab only.</p>
      <${Form} submit=${(values) => enter(values.token.trim())} go="Enter"><${Field} label="Token" name="token" value=${token} required autocomplete="off" spellcheck="false" /><//>
    <//>`}
  </div>`;
}

function Guarded({ children }) {
  const [error, forget] = useErrorBoundary();
  if (!error) return children;
  return html`<${Screen} title="This screen broke"><div class="trouble" role="alert"><strong>${String(error.message ?? error)}</strong> <button onClick=${forget}>Draw it again</button></div><//>`;
}

const THEME = "backbeat-theme";

function Theme() {
  const [theme, setTheme] = useState(localStorage.getItem(THEME) ?? "auto");
  useEffect(() => {
    localStorage.setItem(THEME, theme);
    applyTheme(theme);
  }, [theme]);
  return html`<${Choice} label="Colours" value=${theme} onChange=${setTheme} options=${[["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]]} />`;
}

function applyTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

applyTheme(localStorage.getItem(THEME) ?? "auto");
followLinks();
render(html`<${Shell} />`, document.getElementById("app"));
