import type { Config } from "../config/config.ts";
import type { Log } from "../ports/log.ts";
import type { Status } from "../ports/status.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { type HttpListener, listenHttp } from "./http.ts";
import { type Environment, wantedTelemetry } from "./otel-environment.ts";
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from "./prometheus-text.ts";
import { unreadyReasons } from "./readiness.ts";
import { Recorder } from "./recorder.ts";
import { Registry } from "./registry.ts";

/** What a sidecar shows of itself while it runs. */
export interface RunningTelemetry {
  readonly recorder: Telemetry;
  /** Where `/metrics`, `/healthz` and `/readyz` are; null where they are off. */
  readonly httpAddress: string | null;
  /** Told once the kernel is there; until then the status is that of a start. */
  follow(status: () => Status): void;
  close(): Promise<void>;
}

export interface TelemetryOptions {
  readonly config: Config;
  readonly version: string;
  readonly log: Log;
  readonly env: Environment;
}

const STARTING: Status = {
  phase: "starting",
  workers: 0,
  joined: false,
  unreachable: null,
  abortsInARow: 0,
  refusal: "",
  tasks: [],
};

/** OpenTelemetry's port of Prometheus exporters. */
const HTTP_DEFAULT = { host: "127.0.0.1", port: 9464 };

/** Starts what is asked for: HTTP unless it is off, OpenTelemetry's SDK where its variables ask. */
export async function startTelemetry(options: TelemetryOptions): Promise<RunningTelemetry> {
  const { config, env, log, version } = options;
  const registry = new Registry();
  let status = (): Status => STARTING;
  const wanted = wantedTelemetry(env);
  const resource = {
    "service.name": config.applicationId,
    "service.version": version,
    ...(config.processId === null ? {} : { "service.instance.id": config.processId }),
  };
  // Loaded here, so that a sidecar without it starts faster and smaller.
  const otel = wanted.sdk
    ? (await import("./otel.ts")).startOtel({
        group: config.applicationId,
        clientId: config.clientId,
        recordSpansMax: config.tracingRecordSpansMax,
        version,
        resource,
        env,
        log,
      })
    : null;
  const recorder = new Recorder({
    registry,
    tracing: otel?.tracing ?? null,
    status: () => status(),
    allKafkaNames: config.metricsKafkaStreamsNames === "true",
  });
  otel?.export(registry);
  const http = await listen(options, wanted.prometheus, {
    unready: () => unreadyReasons(status(), performance.now()),
    metrics: () => ({
      contentType: PROMETHEUS_CONTENT_TYPE,
      text: prometheusText(registry.collect(), resource),
    }),
  }).catch(async (error: unknown) => {
    await otel?.close();
    throw error;
  });
  return {
    recorder,
    httpAddress: http?.address ?? null,
    follow: (of) => {
      status = of;
    },
    close: async () => {
      await otel?.close();
      await http?.close();
    },
  };
}

async function listen(
  { config, log }: TelemetryOptions,
  prometheus: { readonly host: string | null; readonly port: number | null },
  sources: Parameters<typeof listenHttp>[1],
): Promise<HttpListener | null> {
  const given = config.httpAddress;
  if (given === "off") return null;
  if (given !== null) return await listenHttp(parse(given), sources);
  const at = {
    host: prometheus.host ?? HTTP_DEFAULT.host,
    port: prometheus.port ?? HTTP_DEFAULT.port,
  };
  try {
    return await listenHttp(at, sources);
  } catch (error: unknown) {
    // A port that somebody asked for must be had; the default is for the first sidecar of a machine.
    if (prometheus.host !== null || prometheus.port !== null) throw error;
    const text = "there are no metrics and no health by HTTP: another process has the default port";
    log.warn(`${text}; set http.address`, { address: `${at.host}:${at.port}` });
    return null;
  }
}

function parse(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  return { host, port: Number(address.slice(colon + 1)) };
}
