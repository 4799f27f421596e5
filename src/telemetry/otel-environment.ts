/**
 * What OpenTelemetry's variables ask for. The SDK itself reads all of them; here is only decided
 * whether it is loaded, which costs 25 MB and a fifth of a second.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Wanted {
  /** Whether the SDK is to be started: then the specification's defaults hold for the rest. */
  readonly sdk: boolean;
  /** Where Prometheus is to find us: OTEL_METRICS_EXPORTER names it, or its host or port is set. */
  readonly prometheus: { readonly host: string | null; readonly port: number | null };
}

const ENDPOINTS = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
];

export function wantedTelemetry(env: Environment): Wanted {
  const exporters = [
    ...listOf(env, "OTEL_TRACES_EXPORTER"),
    // Prometheus comes to us: that needs no SDK.
    ...listOf(env, "OTEL_METRICS_EXPORTER").filter((name) => name !== "prometheus"),
  ];
  const isDisabled = env["OTEL_SDK_DISABLED"]?.trim().toLowerCase() === "true";
  const isAsked =
    exporters.some((name) => name !== "none") || ENDPOINTS.some((name) => isSet(env, name));
  const port = Number(env["OTEL_EXPORTER_PROMETHEUS_PORT"]);
  return {
    sdk: !isDisabled && isAsked,
    prometheus: {
      host: env["OTEL_EXPORTER_PROMETHEUS_HOST"]?.trim() || null,
      port: Number.isInteger(port) && port > 0 && port <= 65_535 ? port : null,
    },
  };
}

/**
 * The variables as the SDK is to see them: `prometheus` is served by our own listener, and without a
 * sampler named, our own roots are sampled at 1 %.
 */
export function sdkEnvironment(env: Environment): Record<string, string> {
  const adapted: Record<string, string> = {};
  const metrics = listOf(env, "OTEL_METRICS_EXPORTER");
  if (metrics.includes("prometheus")) {
    const rest = metrics.filter((name) => name !== "prometheus");
    adapted["OTEL_METRICS_EXPORTER"] = rest.length === 0 ? "none" : rest.join(",");
  }
  // There are no log records to export: the log goes to standard error.
  if (!isSet(env, "OTEL_LOGS_EXPORTER")) adapted["OTEL_LOGS_EXPORTER"] = "none";
  if (!isSet(env, "OTEL_TRACES_SAMPLER")) {
    adapted["OTEL_TRACES_SAMPLER"] = "parentbased_traceidratio";
    if (!isSet(env, "OTEL_TRACES_SAMPLER_ARG")) adapted["OTEL_TRACES_SAMPLER_ARG"] = "0.01";
  }
  return adapted;
}

/** What OTEL_PROPAGATORS asks for. */
export interface Propagation {
  /** Whether records' W3C trace context is read and written; baggage passes through as it is. */
  readonly isW3c: boolean;
  /** Formats that the sidecar does not know, to be told of. */
  readonly unknown: readonly string[];
}

const KNOWN_PROPAGATORS = ["tracecontext", "baggage", "none"];

export function propagationOf(env: Environment): Propagation {
  const named = listOf(env, "OTEL_PROPAGATORS");
  return {
    isW3c: named.length === 0 || named.includes("tracecontext"),
    unknown: named.filter((name) => !KNOWN_PROPAGATORS.includes(name)),
  };
}

/** What must never be in a log: headers carry the keys of tracing services. */
export function otelSecrets(env: Environment): string[] {
  return Object.entries(env)
    .filter(([name]) => /^OTEL_EXPORTER_OTLP(_\w+)?_HEADERS$/.test(name))
    .flatMap(([, value]) => (value ?? "").split(","))
    .map((pair) => pair.slice(pair.indexOf("=") + 1).trim());
}

function listOf(env: Environment, name: string): string[] {
  const value = env[name] ?? "";
  return value
    .split(",")
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== "");
}

function isSet(env: Environment, name: string): boolean {
  return (env[name] ?? "").trim() !== "";
}
