// The public API, as every other client calls it.

import { parse } from "./exact.js";

const KEY = "backbeat-token";
const FALLBACK = "dev";

/** The bearer token of this tab. Locally any token owns a sandbox of its own. */
export const session = {
  get token() {
    return sessionStorage.getItem(KEY) ?? FALLBACK;
  },
  set token(value) {
    sessionStorage.setItem(KEY, value);
  },
};

/** What was answered instead of what was asked for. `status` 0: nobody answered at all. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Fills values into a path, each as one segment. */
export function path(parts, ...values) {
  return parts.reduce((text, part, at) => text + encodeURIComponent(values[at - 1]) + part);
}

async function send(method, where, { body, query, signal, headers = {} } = {}) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const address = given.length ? `${where}?${new URLSearchParams(given)}` : where;
  let reply;
  try {
    reply = await fetch(address, {
      method,
      signal,
      cache: "no-store",
      headers: {
        authorization: `Bearer ${session.token}`,
        "x-backbeat-onlooker": "console",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "NoAnswer", "Backbeat does not answer. Is the server still running?");
  }
  if (reply.ok) return reply;
  const text = await reply.text();
  let told;
  try {
    told = JSON.parse(text);
  } catch {
    told = {};
  }
  const message = told.message ?? told.detail ?? told.error?.message ?? (text.slice(0, 200) || reply.statusText);
  throw new ApiError(reply.status, told.code ?? String(reply.status), message);
}

/** The decoded reply; null for an empty one. */
export async function call(method, where, options) {
  const text = await (await send(method, where, options)).text();
  return text ? parse(text) : null;
}

export const get = (where, query, signal) => call("GET", where, { query, signal });
export const post = (where, body = {}, query, signal) => call("POST", where, { body, query, signal });
export const remove = (where, body) => call("DELETE", where, { body });

/** A file, to be saved or shown; `whole` gives the reply with its headers. */
export async function file(where, query, { whole = false } = {}) {
  const reply = await send("GET", where, { query });
  return whole ? reply : reply.blob();
}

/** What the API says, or null where this stage has no such route or nothing of the kind. */
export async function optional(promise, statuses = [403, 404, 501]) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError && statuses.includes(error.status)) return null;
    throw error;
  }
}

/** Every page of a list, as it comes. `ask` is given the token of the next page. */
export async function* pages(ask) {
  let next;
  do {
    const reply = await ask(next);
    yield reply;
    next = reply.next_page ?? undefined;
  } while (next);
}

/** All items of a list that is known to be short. */
export async function all(ask) {
  const found = [];
  for await (const reply of pages(ask)) found.push(...reply.data);
  return found;
}

/** Lets the browser save a blob under a name. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
