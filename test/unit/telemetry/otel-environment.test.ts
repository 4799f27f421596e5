import assert from "node:assert/strict";
import { it } from "node:test";
import {
  otelSecrets,
  propagationOf,
  sdkEnvironment,
  wantedTelemetry,
} from "../../../src/telemetry/otel-environment.ts";

it("the SDK is loaded where an exporter or an endpoint is named, and only there", () => {
  const sdk = (env: Record<string, string>) => wantedTelemetry(env).sdk;
  assert.equal(sdk({}), false);
  assert.equal(sdk({ OTEL_SERVICE_NAME: "x", OTEL_TRACES_SAMPLER: "always_on" }), false);
  assert.equal(sdk({ OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" }), false);
  assert.equal(sdk({ OTEL_METRICS_EXPORTER: "prometheus" }), false);
  assert.equal(sdk({ OTEL_METRICS_EXPORTER: "prometheus, otlp" }), true);
  assert.equal(sdk({ OTEL_TRACES_EXPORTER: "console" }), true);
  assert.equal(sdk({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }), true);
  assert.equal(sdk({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://c:4318/v1/metrics" }), true);
  assert.equal(sdk({ OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_TRACES_EXPORTER: " " }), false);
  const disabled = { OTEL_SDK_DISABLED: "TRUE", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" };
  assert.equal(sdk(disabled), false);
});

it("Prometheus' host and port are taken from OpenTelemetry's variables", () => {
  const env = { OTEL_EXPORTER_PROMETHEUS_HOST: "0.0.0.0", OTEL_EXPORTER_PROMETHEUS_PORT: "9999" };
  assert.deepEqual(wantedTelemetry(env).prometheus, { host: "0.0.0.0", port: 9999 });
  const none = { host: null, port: null };
  assert.deepEqual(wantedTelemetry({ OTEL_EXPORTER_PROMETHEUS_PORT: "x" }).prometheus, none);
});

it("our own roots are sampled at 1 % unless a sampler is named", () => {
  const { OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG } = sdkEnvironment({});
  assert.deepEqual(
    [OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG],
    ["parentbased_traceidratio", "0.01"],
  );
  const named = sdkEnvironment({ OTEL_TRACES_SAMPLER: "always_on", OTEL_LOGS_EXPORTER: "otlp" });
  assert.deepEqual(named, {});
  const ratio = sdkEnvironment({ OTEL_TRACES_SAMPLER_ARG: "0.5" });
  assert.equal(ratio["OTEL_TRACES_SAMPLER_ARG"], undefined);
});

it("the SDK is not to open a port for Prometheus: ours is open", () => {
  const metrics = (value: string) =>
    sdkEnvironment({ OTEL_METRICS_EXPORTER: value })["OTEL_METRICS_EXPORTER"];
  assert.equal(metrics("prometheus"), "none");
  assert.equal(metrics("otlp,prometheus"), "otlp");
  assert.equal(metrics("otlp"), undefined);
});

it("W3C trace context is read and written unless other propagators are named, or none", () => {
  assert.deepEqual(propagationOf({}), { isW3c: true, unknown: [] });
  const both = { OTEL_PROPAGATORS: "baggage, tracecontext" };
  assert.deepEqual(propagationOf(both), { isW3c: true, unknown: [] });
  assert.deepEqual(propagationOf({ OTEL_PROPAGATORS: "none" }), { isW3c: false, unknown: [] });
  const other = { OTEL_PROPAGATORS: "b3,jaeger" };
  assert.deepEqual(propagationOf(other), { isW3c: false, unknown: ["b3", "jaeger"] });
});

it("headers of exporters are secrets", () => {
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=abcdef,x=ghijkl",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "authorization=Basic%20mnop",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://c",
  };
  assert.deepEqual(otelSecrets(env), ["abcdef", "ghijkl", "Basic%20mnop"]);
});
