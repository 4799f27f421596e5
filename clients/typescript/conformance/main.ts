import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { context, propagation } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  createApp,
  DeadLetter,
  type FailurePolicy,
  json,
  type KeyValueStore,
  keyValueStore,
  nullable,
  OutriggerClientError,
  Park,
  type ProcessedRecord,
  type ProcessorContext,
  RetryLater,
  StopTask,
  utf8,
} from "@outrigger/client";
import { builders } from "./builders.ts";

/** The application that the conformance kit drives; docs/sdks.md says what each action does. */

type Text = string | null;

interface Action {
  readonly do: string;
  readonly key?: Text;
  readonly value?: Text;
  readonly from?: Text;
  readonly to?: Text;
  readonly reverse?: boolean;
  readonly timestamp?: number;
  readonly headers?: readonly [string, Text][];
  readonly ms?: number;
  readonly message?: string;
  readonly verdict?: string;
  readonly afterMs?: number;
  readonly unless?: string;
}

type Command = ProcessedRecord<Text, readonly Action[] | null>;
type Context = ProcessorContext<Text, Text>;

const state = keyValueStore("state", { key: utf8, value: utf8 });
const text = nullable(utf8);
const topologies: Readonly<Record<string, () => void>> = {
  process,
  policy,
  parking: () => process({ exhausted: "park" }),
  pattern: () => process(undefined, /commands-[a-z]+/),
  hook,
};

propagation.setGlobalPropagator(new W3CTraceContextPropagator());
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const app = createApp();
const chosen = globalThis.process.env["OUTRIGGER_CONFORMANCE_TOPOLOGY"] ?? "process";
const declare = { ...topologies, ...builders(app) }[chosen];
if (declare === undefined) throw new Error(`there is no topology "${chosen}"`);
declare();
try {
  await app.run({ handleSignals: true });
} catch (error: unknown) {
  if (!(error instanceof OutriggerClientError)) throw error;
  globalThis.process.stderr.write(`${error.message}\n`);
  globalThis.process.exitCode = 1;
}

function process(failurePolicy?: FailurePolicy, topics: string | RegExp = "commands"): void {
  const value = nullable(json<readonly Action[]>());
  const options = { name: "interpret", stores: [state] };
  app
    .stream(topics, { key: text, value }, { name: "commands" })
    .process<Text, Text>(interpret, failurePolicy ? { ...options, failurePolicy } : options)
    .to("results", { key: text, value: text }, { name: "results" });
}

function policy(): void {
  process({
    retry: { max: 2, initial: "250ms", factor: 1.5, maxDelay: "1m", jitter: 0 },
    exhausted: "deadLetter",
  });
}

function hook(): void {
  process();
  app.afterCommit<Text, Text>(
    "receipt",
    ({ key, value, idempotencyKey }) => {
      if (value?.startsWith("fail")) throw new Error(`${value} ${key} ${idempotencyKey}`);
    },
    { key: text, value: text, failurePolicy: { retry: { max: 3 }, exhausted: "deadLetter" } },
  );
}

async function interpret(command: Command, ctx: Context): Promise<void> {
  if (command.value === null) {
    ctx.forward({ key: command.key, value: null });
    return;
  }
  const notes: unknown[] = [];
  for (const action of command.value) {
    if (action.unless !== undefined) {
      if (existsSync(action.unless)) continue;
      writeFileSync(action.unless, "");
    }
    await act(action, command, ctx, notes);
  }
  if (notes.length > 0) ctx.forward({ key: command.key, value: JSON.stringify(notes) });
}

async function act(
  action: Action,
  command: Command,
  ctx: Context,
  notes: unknown[],
): Promise<void> {
  const store: KeyValueStore<string, string> = ctx.store(state);
  const { key = null, value = null } = action;
  switch (action.do) {
    case "get":
      notes.push((await store.get(key ?? "")) ?? null);
      return;
    case "put":
      store.put(key ?? "", value ?? "");
      return;
    case "delete":
      store.delete(key ?? "");
      return;
    case "range": {
      const { from = null, to = null, reverse = false } = action;
      const found: (readonly [string, string])[] = [];
      for await (const entry of store.range(from, to, { reverse })) found.push(entry);
      notes.push(found);
      return;
    }
    case "forward":
      ctx.forward({ key, value, ...forwardedAs(action) });
      return;
    case "afterCommit":
      ctx.afterCommit("receipt", value);
      return;
    case "describe":
      notes.push(description(command));
      return;
    case "trace":
      notes.push(currentTraceparent());
      return;
    case "wait":
      await wait(action.ms ?? 0);
      return;
    case "fail":
      throw failure(action);
    case "crash":
      return globalThis.process.exit(42);
    default:
      throw new Error(`there is no action "${action.do}"`);
  }
}

function failure({ message, verdict, afterMs }: Action): Error {
  switch (verdict) {
    case "retry":
      return new RetryLater(message ?? "", afterMs === undefined ? {} : { after: afterMs });
    case "deadLetter":
      return new DeadLetter(message);
    case "park":
      return new Park(message);
    case "stop":
      return new StopTask(message);
    default:
      return new Error(message);
  }
}

function forwardedAs({ timestamp, headers }: Action) {
  return {
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(headers === undefined
      ? {}
      : {
          headers: headers.map(([key, value]) => ({
            key,
            value: value === null ? null : Buffer.from(value),
          })),
        }),
  };
}

function currentTraceparent(): Text {
  const carried: Record<string, string> = {};
  propagation.inject(context.active(), carried);
  return carried["traceparent"] ?? null;
}

function description(command: Command): unknown {
  const { topic, partition, timestamp, key, idempotencyKey, headers } = command;
  const texts = headers.map(({ key: name, value }) => [
    name,
    value === null ? null : Buffer.from(value).toString(),
  ]);
  const offset = Number(command.offset);
  return { topic, partition, offset, timestamp, key, idempotencyKey, headers: texts };
}
