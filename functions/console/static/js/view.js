// Preact with tagged templates instead of a build step.

import htm from "../vendor/htm.js";
import { h } from "../vendor/preact.js";

export { render } from "../vendor/preact.js";
export * from "../vendor/preact-hooks.js";
export const html = htm.bind(h);
