import { durationMs } from "./durations.ts";
import type { Emitter } from "./emitter.ts";
import type { TimerClock as WireClock } from "./gen/outrigger/v1/topology_pb.ts";
import type { ProcessContext } from "./process-context.ts";
import { isPromise } from "./process-context.ts";
import type { StreamRecord } from "./record.ts";
import { clockNumber, type Firing, firedTimer, type TimedOptions } from "./timers.ts";

/** What a clock calls of a node. */
export interface TimedCode {
  readonly hasTimers: boolean;
  run(record: StreamRecord, firing: Firing, emitter: Emitter): void | Promise<void>;
}

/** As the topology declares it; empty where no clock calls the node. */
export interface DeclaredTimers {
  readonly timers?: boolean;
  readonly punctuators?: { name: string; clock: WireClock; intervalMs: bigint }[];
}

type Given = Pick<TimedOptions<never, never, never>, "onTimer" | "punctuators">;

export function declaredTimers({ onTimer, punctuators = [] }: Given): DeclaredTimers {
  return {
    ...(onTimer === undefined ? {} : { timers: true }),
    ...(punctuators.length === 0
      ? {}
      : {
          punctuators: punctuators.map(({ name, clock, interval }) => {
            const intervalMs = BigInt(durationMs(interval));
            return { name, clock: clockNumber(clock), intervalMs };
          }),
        }),
  };
}

/** null where no clock calls the node. */
export function timedCode(
  { onTimer, punctuators = [] }: Given,
  isKeyFixed: boolean,
): TimedCode | null {
  if (onTimer === undefined && punctuators.length === 0) return null;
  return {
    hasTimers: onTimer !== undefined,
    run: (record, firing, emitter) => {
      const context = emitter.context(record, isKeyFixed);
      try {
        const typed = context as never;
        if (!firing.isPunctuation) {
          if (onTimer === undefined) return;
          return settled(context, onTimer(firedTimer(record, firing) as never, typed));
        }
        const own = punctuators.find(({ name, clock = "streamTime" }) => {
          return name === firing.name && clock === firing.clock;
        });
        return settled(context, own?.onPunctuate(record.timestamp, typed));
      } catch (error: unknown) {
        return context.fail(error);
      }
    },
  };
}

/** A handler has returned: what it started, and what it forwarded, is waited for. */
export function settled(
  context: ProcessContext,
  pending: void | Promise<void>,
): void | Promise<void> {
  if (!isPromise(pending)) return context.finish();
  return pending.then(
    () => context.finish(),
    (error: unknown) => context.fail(error),
  );
}
