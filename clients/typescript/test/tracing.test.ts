import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import { it } from "node:test";
import type { Context, ContextManager, TextMapPropagator } from "@opentelemetry/api";
import { utf8 } from "../src/serdes.ts";
import { FakeSidecar, plainText, segment, source } from "./fake-sidecar.ts";

const NAME = "traceparent";
const KEY = Symbol("the trace");

/** One header, as it came. */
const PROPAGATOR: TextMapPropagator = {
  fields: () => [NAME],
  inject: (context, carrier, setter) => setter.set(carrier, NAME, String(context.getValue(KEY))),
  extract: (context, carrier, getter) => context.setValue(KEY, getter.get(carrier, NAME)),
};

class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  readonly #root: Context;

  constructor(root: Context) {
    this.#root = root;
  }
  active(): Context {
    return this.#storage.getStore() ?? this.#root;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    work: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(context, () => work.apply(self as never, args));
  }
  bind<T>(_context: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

const isLoaded = (): boolean =>
  Object.keys(createRequire(import.meta.url).cache).some((path) =>
    path.includes("@opentelemetry/api"),
  );

it("OpenTelemetry's API is loaded where something is registered, and then for the first batch", async () => {
  const seen: unknown[] = [];
  let now: () => unknown = () => "nothing";
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process(
      ({ key, value }, ctx) => {
        seen.push(now());
        ctx.forward({ key, value, headers: [] });
      },
      { name: "p" },
    )
    .to("topic-out", { key: utf8, value: utf8 }, { name: "out" });
  sidecar.welcome({ entries: ["p"], sinks: ["out"] });
  const header = { key: NAME, value: Buffer.from("trace 7") };
  const segments = [segment([["a", "x"]], { headers: [{ row: 0, headers: [header] }] })];

  sidecar.batch({ dispatchId: 1n, segments });
  await sidecar.result(0);
  assert.equal(isLoaded(), false);

  const { context, propagation, ROOT_CONTEXT } = await import("@opentelemetry/api");
  assert.equal(isLoaded(), true);
  propagation.setGlobalPropagator(PROPAGATOR);
  context.setGlobalContextManager(new Contexts(ROOT_CONTEXT));
  now = () => context.active().getValue(KEY);
  sidecar.batch({ dispatchId: 2n, segments });
  const { outputs } = await sidecar.result(1);
  assert.deepEqual(seen, ["nothing", "trace 7"]);
  const [sent] = outputs?.headers ?? [];
  assert.deepEqual(
    sent?.headers.map(({ key, value }) => `${key}: ${plainText(value)}`),
    ["traceparent: trace 7"],
  );
  propagation.disable();
  context.disable();
});
