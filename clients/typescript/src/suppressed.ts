import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, durationMs } from "./durations.ts";
import { BufferFull, type SuppressSchema } from "./gen/outrigger/v1/topology_pb.ts";

type Declared = Omit<MessageInitShape<typeof SuppressSchema>, "$typeName" | "$unknown">;

/** What a task holds back at most. */
export interface BufferLimits {
  /** Keys, from 1 on; left out: any number. */
  readonly maxRecords?: number;
  /** Bytes of keys, values and headers, from 1 on; left out: any number. */
  readonly maxBytes?: number;
}

/** A buffer that stops its task when it is full. */
export interface StrictBufferConfig extends BufferLimits {
  readonly whenFull: "shutDown";
}

/** A buffer that forwards what has waited longest when it is full. */
export interface EagerBufferConfig extends BufferLimits {
  readonly whenFull: "emitEarly";
}

/** Buffers for `Suppressed`: on disk, with a changelog. */
export const BufferConfig = {
  /** Any number of keys. */
  unbounded(): StrictBufferConfig {
    return { whenFull: "shutDown" };
  },
  /** So much; a task that would hold more stops with SUPPRESS_BUFFER_FULL. */
  shutDownWhenFull(limits: BufferLimits): StrictBufferConfig {
    return { ...checked(limits), whenFull: "shutDown" };
  },
  /** So much; then what has waited longest is forwarded before its time. */
  emitEarlyWhenFull(limits: BufferLimits): EagerBufferConfig {
    return { ...checked(limits), whenFull: "emitEarly" };
  },
} as const;

/** How long `suppress` holds results back. */
export interface Suppressed {
  readonly declared: Declared;
}

export const Suppressed = {
  /** Until the window closes: each is forwarded once, when stream time has passed its end and its grace. */
  untilWindowCloses(buffer: StrictBufferConfig = BufferConfig.unbounded()): Suppressed {
    return { declared: { untilWindowCloses: {}, buffer: declaredBuffer(buffer) } };
  },
  /**
   * Until so much stream time has passed since the key's first update: later ones take its place. Throws a
   * RangeError where the time is none.
   */
  untilTimeLimit(
    timeToWaitForMoreEvents: Duration,
    buffer: StrictBufferConfig | EagerBufferConfig = BufferConfig.unbounded(),
  ): Suppressed {
    const waitMs = BigInt(durationMs(timeToWaitForMoreEvents));
    return { declared: { untilTimeLimit: { waitMs }, buffer: declaredBuffer(buffer) } };
  },
} as const;

function checked(limits: BufferLimits): BufferLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue;
    throw new RangeError(`a buffer with ${name} ${value} is none: give a whole number from 1 on`);
  }
  return limits;
}

function declaredBuffer({
  maxRecords = 0,
  maxBytes = 0,
  whenFull,
}: StrictBufferConfig | EagerBufferConfig): NonNullable<Declared["buffer"]> {
  return {
    maxRecords: BigInt(maxRecords),
    maxBytes: BigInt(maxBytes),
    whenFull: whenFull === "emitEarly" ? BufferFull.EMIT_EARLY : BufferFull.SHUT_DOWN,
  };
}
