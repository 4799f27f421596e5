export { type App, type AppOptions, createApp, type Logger, type RunOptions } from "./app.ts";
export type { Duration } from "./durations.ts";
export { NotReadyError, OutriggerClientError } from "./errors.ts";
export { DeadLetter, type FailurePolicy, Park, RetryLater, StopTask } from "./failures.ts";
export type { Hook, HookContext, HookHandler, HookOptions } from "./hooks.ts";
export type { ProcessorContext } from "./process-context.ts";
export type { ForwardedRecord, Header, ProcessedRecord } from "./record.ts";
export { bytes, double, int64, json, nullable, type Serde, safeInt64, utf8 } from "./serdes.ts";
export {
  type KeyValueStore,
  type KeyValueStoreDefinition,
  keyValueStore,
  type RangeOptions,
  type StoreDefinition,
} from "./stores.ts";
export type {
  AggregateOptions,
  CodeOptions,
  CountOptions,
  KeyValue,
  KGroupedStream,
  KStream,
  Named,
  TimeWindowedKStream,
} from "./streams.ts";
export { type TumblingWindows, tumbling, type Window, type Windowed, windowed } from "./windows.ts";
