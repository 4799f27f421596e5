export { type App, type AppOptions, createApp, type Logger, type RunOptions } from "./app.ts";
export type { BranchedKStream } from "./branches.ts";
export type { Duration } from "./durations.ts";
export { EmitStrategy } from "./emit.ts";
export { NotReadyError, OutriggerClientError } from "./errors.ts";
export { DeadLetter, type FailurePolicy, Park, RetryLater, StopTask } from "./failures.ts";
export type { KGroupedStream, SessionWindowedKStream, TimeWindowedKStream } from "./grouped.ts";
export type { Hook, HookContext, HookHandler, HookOptions } from "./hooks.ts";
export type {
  AggregateOptions,
  CodeOptions,
  CountOptions,
  GroupedOptions,
  Named,
  NumberName,
  NumberOf,
  NumberOptions,
  ProcessOptions,
  ReduceOptions,
  RepartitionOptions,
  StoreOptions,
} from "./options.ts";
export type {
  FixedKeyProcessorContext,
  ForwardedValue,
  ProcessorContext,
} from "./process-context.ts";
export type { ForwardedRecord, Header, ProcessedRecord } from "./record.ts";
export {
  bytes,
  double,
  int32,
  int64,
  json,
  nullable,
  type Serde,
  safeInt64,
  utf8,
} from "./serdes.ts";
export {
  type KeyValueStore,
  type KeyValueStoreDefinition,
  keyValueStore,
  type PrefixOptions,
  type RangeOptions,
  type StoreDefinition,
  type TimestampedKeyValueStore,
  type TimestampedKeyValueStoreDefinition,
  timestampedKeyValueStore,
  type ValueAndTimestamp,
} from "./stores.ts";
export type { ChosenTopics, KeyValue, KStream } from "./streams.ts";
export {
  BufferConfig,
  type BufferLimits,
  type EagerBufferConfig,
  type StrictBufferConfig,
  Suppressed,
} from "./suppressed.ts";
export type {
  FiredTimer,
  FixedKeyTimedOptions,
  Punctuator,
  TimedOptions,
  TimerClock,
  TimerOptions,
  Timers,
} from "./timers.ts";
export { sessionWindowed, type Window, type Windowed, windowed } from "./windowed.ts";
export {
  type GraceOptions,
  type HoppingWindows,
  hopping,
  type SessionWindows,
  type SlidingWindows,
  session,
  sliding,
  type TimeWindows,
  type TumblingWindows,
  tumbling,
} from "./windows.ts";
