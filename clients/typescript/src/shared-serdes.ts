import type { Serde } from "./serdes.ts";

const made = new WeakMap<object, Map<string, unknown>>();

/** What is made of a serde, made once: so that equal serdes are the same, as `merge` wants them. */
export function shared<T, S>(of: Serde<T>, how: string, make: () => Serde<S>): Serde<S> {
  const known = made.get(of) ?? new Map<string, unknown>();
  made.set(of, known);
  const found = (known.get(how) as Serde<S> | undefined) ?? make();
  known.set(how, found);
  return found;
}
