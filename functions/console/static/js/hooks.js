// Loading, refreshing and where we are.

import { useCallback, useEffect, useRef, useState } from "./view.js";

/**
 * Loads something and keeps it. While it loads again, the value before stays; if that fails, it
 * stays too, with the error beside it. `every` refreshes it while the page is looked at.
 */
export function useLoaded(load, inputs, { every } = {}) {
  const [state, setState] = useState({ value: undefined, error: null, busy: true });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((number) => number + 1), []);
  const known = useRef(inputs);
  useEffect(() => {
    const aborter = new AbortController();
    const changed = known.current.some((value, at) => value !== inputs[at]);
    known.current = inputs;
    setState((before) => ({ value: changed ? undefined : before.value, error: changed ? null : before.error, busy: true }));
    load(aborter.signal).then(
      (value) => !aborter.signal.aborted && setState({ value, error: null, busy: false }),
      (error) =>
        !aborter.signal.aborted && setState((before) => ({ value: before.value, error, busy: false })),
    );
    return () => aborter.abort();
  }, [...inputs, round]);
  useEffect(() => {
    if (!every) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), every);
    return () => clearInterval(timer);
  }, [every]);
  return { ...state, reload };
}

/** Runs a change once at a time: `act(work)` gives true when it went well. */
export function useAction() {
  const [state, setState] = useState({ busy: false, error: null });
  const act = async (work) => {
    setState({ busy: true, error: null });
    try {
      await work();
      setState({ busy: false, error: null });
      return true;
    } catch (error) {
      setState({ busy: false, error });
      return false;
    }
  };
  return { ...state, act, forget: () => setState({ busy: false, error: null }) };
}

const ROOT = "/console";

/** The address within the console: its steps and its parameters. */
export function currentPlace() {
  const steps = location.pathname.slice(ROOT.length).split("/").filter(Boolean).map(decodeURIComponent);
  return { steps, query: new URLSearchParams(location.search), key: location.pathname + location.search };
}

export function usePlace() {
  const [place, setPlace] = useState(currentPlace);
  useEffect(() => {
    const moved = () => setPlace(currentPlace());
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);
  return place;
}

/** Goes to another place of the console without loading the page anew. */
export function go(address, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", address);
  dispatchEvent(new PopStateEvent("popstate"));
  if (!replace) scrollTo(0, 0);
}

/** Follows links within the console. */
export function followLinks() {
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.pathname !== ROOT && !link.pathname.startsWith(`${ROOT}/`)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

/** The address of a place, each step encoded. */
export function at(...steps) {
  return [ROOT, ...steps.map(encodeURIComponent)].join("/");
}
