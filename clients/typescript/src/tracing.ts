import type { Header } from "./record.ts";

type Api = typeof import("@opentelemetry/api");

/** Where every version 1 of OpenTelemetry's API keeps what an application has registered with it. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/** Loaded where something was registered: it takes 20 ms of a start. */
let api: Api | null = null;
let loading: Promise<void> | null = null;

/** What to wait for before `isTracing` says how it is; null where there is nothing to wait for. */
export function tracingReady(): Promise<void> | null {
  if (api !== null || !(REGISTERED in globalThis)) return null;
  loading ??= import("@opentelemetry/api").then((loaded) => {
    api = loaded;
  });
  return loading;
}

/**
 * Trace context through records, by OpenTelemetry's global propagator: with none configured, which is
 * its default, nothing here does anything, and headers travel as they are.
 */
export function isTracing(): boolean {
  return api !== null && api.propagation.fields().length > 0;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const GETTER = {
  keys: (headers: readonly Header[]) => headers.map(({ key }) => key),
  get: (headers: readonly Header[], key: string) => {
    const value = headers.findLast((header) => header.key.toLowerCase() === key)?.value;
    return value === null || value === undefined ? undefined : decoder.decode(value);
  },
};

/** Runs `work` outside of whatever was current where its batch came in. */
export function inNoContext<T>(work: () => T): T {
  return api === null ? work() : api.context.with(api.ROOT_CONTEXT, work);
}

/** Runs `work` in the context that the headers carry, which is none where there are no headers. */
export function inContextOf<T>(headers: readonly Header[], work: () => T): T {
  if (api === null || headers.length === 0) return work();
  const { context, propagation, ROOT_CONTEXT } = api;
  return context.with(propagation.extract(ROOT_CONTEXT, headers, GETTER), work);
}

/** The headers with the current context in them; the same list where it is in them already. */
export function withContext(headers: readonly Header[]): readonly Header[] {
  if (api === null) return headers;
  const active = api.context.active();
  if (active === api.ROOT_CONTEXT) return headers;
  const carried: Record<string, string> = {};
  api.propagation.inject(active, carried);
  const changed = Object.entries(carried).filter(
    ([key, value]) => GETTER.get(headers, key) !== value,
  );
  if (changed.length === 0) return headers;
  const replaced = new Set(changed.map(([key]) => key));
  const kept = headers.filter(({ key }) => !replaced.has(key.toLowerCase()));
  return [...kept, ...changed.map(([key, value]) => ({ key, value: encoder.encode(value) }))];
}
