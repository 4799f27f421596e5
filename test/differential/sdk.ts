import * as client from "@outrigger/client";
import { double, int64, nullable, type Serde, utf8 } from "@outrigger/client";
import type { Key, Value } from "./functions.ts";
import type { ValueType, WindowSpec } from "./topology.ts";

/** The SDK has no such call, no such window or serde, yet. */
export class MissingCallError extends Error {
  override readonly name = "MissingCallError";
}

export const TEXT_KEY = nullable(utf8) as unknown as Serde<Key>;

/** A method that the SDK may not have: what it takes is seen by what comes of it. */
export function call(target: object, method: string, ...args: readonly unknown[]): object {
  const found: unknown = Reflect.get(target, method);
  if (typeof found !== "function") {
    const owner = target === client ? "" : `${target.constructor.name}.`;
    throw new MissingCallError(`${owner}${method} is missing in the SDK`);
  }
  return Reflect.apply(found, target, args) as object;
}

export function windowsOf({ kind, sizeMs, advanceMs, graceMs }: WindowSpec): object {
  return call(client, kind, sizeMs, { grace: graceMs, advance: advanceMs });
}

/** As Kafka's WindowedSerdes: `key|start`, and of a session `key|end|start`. */
export function windowedKey({ kind, sizeMs }: WindowSpec): Serde<Key> {
  if (kind !== "session") return client.windowed(nullable(utf8), sizeMs) as unknown as Serde<Key>;
  const serde = { ...call(client, "sessionWindowed", nullable(utf8)) } as Serde<Key>;
  SESSION_KEYS.add(serde);
  return serde;
}

const SESSION_KEYS = new WeakSet<object>();

export function isSessionKey(serde: Serde<Key>): boolean {
  return SESSION_KEYS.has(serde);
}

export function serdeOf(type: ValueType): Serde<Value> {
  const serdes = { text: utf8, int64, float64: double, int32: Reflect.get(client, "int32") };
  const serde: unknown = serdes[type];
  if (serde === undefined) throw new MissingCallError(`the serde ${type} is missing in the SDK`);
  return nullable(serde as Serde<Value>);
}
