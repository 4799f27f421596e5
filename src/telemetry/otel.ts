import {
  type Attributes,
  type DiagLogger,
  DiagLogLevel,
  diag,
  type Histogram,
  type Meter,
  metrics,
  type Observable,
  trace,
} from "@opentelemetry/api";
import { NodeSDK, resources } from "@opentelemetry/sdk-node";
import type { Log } from "../ports/log.ts";
import {
  BUCKETS,
  definitionOf,
  type HistogramKey,
  METRICS,
  type MetricDefinition,
  type MetricKey,
} from "./metric-table.ts";
import { type Environment, propagationOf, sdkEnvironment } from "./otel-environment.ts";
import type { Registry } from "./registry.ts";
import { SCHEMA_URL } from "./span-attributes.ts";
import { Tracing, type TracingOptions } from "./tracing.ts";

/** The one file that knows OpenTelemetry's SDK; loaded only where its variables ask for it. */

export interface OtelOptions extends Omit<TracingOptions, "isPropagating"> {
  readonly version: string;
  /** Attributes of the process; OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win over them. */
  readonly resource: Readonly<Record<string, string>>;
  readonly env: Environment;
  readonly log: Log;
}

export interface Otel {
  readonly tracing: Tracing | null;
  /** Exports the registry's metrics too, where an exporter is configured. */
  export(registry: Registry): void;
  /** Sends what waits; bounded by the exporters' own timeouts. */
  close(): Promise<void>;
}

const NAME = "outrigger";

export function startOtel(options: OtelOptions): Otel {
  const { env, log, version } = options;
  // The SDK reads its variables from the process, and has no other way in for most of them.
  Object.assign(process.env, sdkEnvironment(env));
  const resource = resources
    .defaultResource()
    .merge(resources.resourceFromAttributes(options.resource));
  const sdk = new NodeSDK({ resource });
  diag.setLogger(diagLog(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  sdk.start();
  const { isW3c, unknown } = propagationOf(env);
  for (const name of unknown) {
    log.warn(
      `OTEL_PROPAGATORS names ${name}: the sidecar reads and writes W3C trace context alone, and what ` +
        "records carry in another format passes through; name tracecontext",
    );
  }
  const isTraced = env["OTEL_TRACES_EXPORTER"]?.trim() !== "none";
  const tracer = trace.getTracerProvider().getTracer(NAME, version, { schemaUrl: SCHEMA_URL });
  return {
    tracing: isTraced ? new Tracing(tracer, { ...options, isPropagating: isW3c }) : null,
    export: (registry) => {
      exportMetrics(registry, metrics.getMeter(NAME, version, { schemaUrl: SCHEMA_URL }));
    },
    close: async () => {
      await sdk.shutdown().catch((error: unknown) => {
        log.warn("telemetry was not sent to its end", { error: String(error) });
      });
    },
  };
}

/** Counters and gauges are observed when a reader collects; histograms are told of each value. */
function exportMetrics(registry: Registry, meter: Meter): void {
  const histograms = new Map<MetricKey, Histogram>();
  const observables = new Map<MetricKey, Observable>();
  for (const key of Object.keys(METRICS).filter(isKey)) {
    const { name, unit, description, kind } = definitionOf(key);
    if (kind === "histogram") {
      const advice = { explicitBucketBoundaries: [...BUCKETS] };
      histograms.set(key, meter.createHistogram(name, { unit, description, advice }));
      continue;
    }
    const said = { unit, description };
    const observable =
      kind === "counter"
        ? meter.createObservableCounter(name, said)
        : meter.createObservableGauge(name, said);
    observables.set(key, observable);
  }
  meter.addBatchObservableCallback(
    (result) => {
      for (const { key, definition, samples } of registry.collect()) {
        const observable = observables.get(key);
        if (observable === undefined) continue;
        for (const { values, value } of samples) {
          if (typeof value !== "number") continue;
          result.observe(observable, value, attributesOf(definition, values));
        }
      }
    },
    [...observables.values()],
  );
  registry.onRecord = (key: HistogramKey, seconds, values) => {
    histograms.get(key)?.record(seconds, attributesOf(definitionOf(key), values));
  };
}

function isKey(key: string): key is MetricKey {
  return Object.hasOwn(METRICS, key);
}

function attributesOf({ attributes }: MetricDefinition, values: readonly string[]): Attributes {
  const pairs = attributes.map((name, index) => [name, values[index] ?? ""] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== ""));
}

function diagLog(log: Log): DiagLogger {
  const line = (message: string, rest: readonly unknown[]) =>
    [message, ...rest.map(String)].join(" ").slice(0, 1_000);
  return {
    error: (message, ...rest) => log.warn("telemetry", { error: line(message, rest) }),
    warn: (message, ...rest) => log.warn("telemetry", { error: line(message, rest) }),
    info: () => {},
    debug: () => {},
    verbose: () => {},
  };
}
