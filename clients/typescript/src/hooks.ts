import type { Emitter } from "./emitter.ts";
import type { CodeOptions } from "./options.ts";
import { isPromise } from "./process-context.ts";
import type { ProcessedRecord, StreamRecord } from "./record.ts";
import type { Serde } from "./serdes.ts";
import type { NodeCode } from "./topology.ts";

/** A hook that was declared, for `ctx.afterCommit`. */
export interface Hook<P> {
  readonly name: string;
  /** Never set: it has the compiler compare the payload with what the hook takes. */
  readonly payload?: P;
}

/** How a hook's requests are kept, and what becomes of those that its code fails on. */
export interface HookOptions<K, P> extends Omit<CodeOptions, "name"> {
  /** Of the key of the records that ask. Default: the application's. */
  readonly key?: Serde<K>;
  /** Of the payload. Default: the application's. */
  readonly value?: Serde<P>;
}

/** What a hook's code may look at besides its request. */
export interface HookContext {
  /** Aborts when the request is taken away: another attempt has begun, or will. */
  readonly signal: AbortSignal;
}

/**
 * A hook's code. `request.key`, `timestamp` and `headers` are those of the record that asked, `value` is the
 * payload; `request.idempotencyKey` is the same on every attempt, and no other request has it.
 */
export type HookHandler<K, P> = (
  request: ProcessedRecord<K, P>,
  ctx: HookContext,
) => void | Promise<void>;

/** What runs a hook: as a stage's entry, which forwards nothing. */
export function hookCode<K, P>(handler: HookHandler<K, P>): NodeCode {
  return (record: StreamRecord, emitter: Emitter) => {
    const pending = handler(record as ProcessedRecord<K, P>, { signal: emitter.signal });
    if (!isPromise(pending)) return;
    return pending.catch((error: unknown) => {
      throw emitter.failed(error);
    });
  };
}
