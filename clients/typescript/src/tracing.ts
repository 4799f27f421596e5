import { context, propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import type { Header } from "./record.ts";

/**
 * Trace context through records, by OpenTelemetry's global propagator: with none configured, which is
 * its default, nothing here does anything, and headers travel as they are.
 */
export function isTracing(): boolean {
  return propagation.fields().length > 0;
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
  return context.with(ROOT_CONTEXT, work);
}

/** Runs `work` in the context that the headers carry, which is none where there are no headers. */
export function inContextOf<T>(headers: readonly Header[], work: () => T): T {
  if (headers.length === 0) return work();
  return context.with(propagation.extract(ROOT_CONTEXT, headers, GETTER), work);
}

/** The headers with the current context in them; the same list where it is in them already. */
export function withContext(headers: readonly Header[]): readonly Header[] {
  const active = context.active();
  if (active === ROOT_CONTEXT) return headers;
  const carried: Record<string, string> = {};
  propagation.inject(active, carried);
  const changed = Object.entries(carried).filter(
    ([key, value]) => GETTER.get(headers, key) !== value,
  );
  if (changed.length === 0) return headers;
  const replaced = new Set(changed.map(([key]) => key));
  const kept = headers.filter(({ key }) => !replaced.has(key.toLowerCase()));
  return [...kept, ...changed.map(([key, value]) => ({ key, value: encoder.encode(value) }))];
}
