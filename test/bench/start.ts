/**
 * How soon a sidecar is ready without anything to restore, and what it takes while it idles: with the
 * application waiting already, from the start of the process to the first `/readyz` that says ready.
 *
 *   npm run build && node --import tsx --conditions=@outrigger/source test/bench/start.ts [--rounds 10]
 */
import { parseArgs } from "node:util";
import { ask } from "../ops/http.ts";
import { bestBroker } from "../ops/scene.ts";
import { freePort } from "../support/ports.ts";
import { cpuMs, rssBytes } from "../support/proc.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "10" } } });
const IDLE_MS = 5_000;

const kind = bestBroker();
const broker = await kind.start();
for (const [name, env] of [
  ["plain", {}],
  ["traced", { OTEL_TRACES_EXPORTER: "otlp", OTEL_METRICS_EXPORTER: "none" }],
] as const) {
  const ready: number[] = [];
  const cpu: number[] = [];
  const rss: number[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    const http = `127.0.0.1:${await freePort()}`;
    const scene = await Scene.make(kind.name, broker, "start", { "http.address": http });
    try {
      const application = scene.startApplication("test/support/apps/copy.js");
      await eventually("the application", () => application.isRunning);
      const startedAtMs = performance.now();
      const sidecar = scene.startSidecar(env, process.execPath);
      const isReady = async (): Promise<boolean> => (await ask(http, "/readyz")).status === 200;
      await eventually("ready", isReady, scene.children);
      ready.push(performance.now() - startedAtMs);
      cpu.push(cpuMs(sidecar.pid));
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      rss.push(rssBytes(sidecar.pid) / 1e6);
    } finally {
      await scene.end();
    }
  }
  const said = (values: readonly number[]): string => {
    const sorted = values.toSorted((a, b) => a - b).map(Math.round);
    return `median ${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]} to ${sorted.at(-1)})`;
  };
  process.stdout.write(`${name} on ${kind.name}: ready after ${said(ready)} ms, `);
  process.stdout.write(`${said(cpu)} ms of processor time; idle ${said(rss)} MB\n`);
}
await broker.stop();
