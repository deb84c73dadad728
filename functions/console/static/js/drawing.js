// The library that draws charts, loaded with the first of them: not every screen has one.

import { useEffect, useState } from "./view.js";

const VENDOR = new URL("../vendor/", import.meta.url);
let loading;

/** Tells whether `uPlot` is there, and gets it otherwise. */
export function useDrawing() {
  const [isThere, setIsThere] = useState("uPlot" in window);
  useEffect(() => {
    if (isThere) return undefined;
    let wanted = true;
    (loading ??= load()).then(() => wanted && setIsThere(true));
    return () => (wanted = false);
  }, []);
  return isThere;
}

function load() {
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("uplot.css", VENDOR) });
  const script = Object.assign(document.createElement("script"), { src: new URL("uplot.js", VENDOR) });
  document.head.prepend(style);
  return new Promise((done) => {
    script.onload = done;
    // The next chart tries again.
    script.onerror = () => (loading = undefined);
    document.head.append(script);
  });
}
