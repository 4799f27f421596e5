import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { loadConfig } from "../config/load.ts";
import { NO_SECURITY } from "../config/security.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { EXIT, exitCodeOfSignal } from "./exit-codes.ts";
import { StopSignals } from "./stop-signals.ts";
import { version } from "./version.ts";
import { logOf, type World } from "./world.ts";

export interface TestDriverArguments {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly file: string | undefined;
  /** The wall clock at the start, in ms since the epoch; now, where it is left out. */
  readonly wallClock: unknown;
  /** Whose end is the driver's end: a test that dies leaves nothing behind. */
  readonly input: NodeJS.ReadableStream;
}

const REMOVALS_MAX = 50;
const REMOVAL_PAUSE_MS = 20;

/**
 * `outrigger test-driver`: one line of JSON says where it listens; it ends with `Close`, a signal, or the
 * end of its standard input.
 */
export async function testDriver(
  world: World,
  { flags, file, wallClock, input }: TestDriverArguments,
): Promise<number> {
  const startMs = wallClockOf(wallClock);
  const { startTestDriver } = await import("../test-driver.ts");
  const stateDir = mkdtempSync(join(tmpdir(), "outrigger-test-"));
  const signals = new StopSignals();
  try {
    const loaded = loadConfig({
      flags,
      env: world.env,
      file,
      presets: { "application.id": "test", "log.level": "warn" },
      fixed: { "bootstrap.servers": "test-driver:9092", "state.dir": stateDir, ...NO_SECURITY },
    });
    const { config, explicit } = loaded;
    const log = logOf(world, config, loaded);
    const driver = await startTestDriver(config, { log, version: version(), explicit, startMs });
    const ended = new Promise<void>((resolve) => {
      input.once("end", resolve);
      input.once("close", resolve);
    });
    input.resume();
    world.say(`${JSON.stringify({ address: driver.address, token: config.serverToken ?? "" })}\n`);
    const first = await Promise.race([
      driver.stopped.then(() => null),
      ended.then(() => null),
      signals.first,
    ]);
    await driver.stop();
    return first === null || first === "SIGTERM" ? EXIT.ok : exitCodeOfSignal(first);
  } finally {
    signals.close();
    await remove(stateDir);
  }
}

/** Nothing is drained: a store that is being opened still writes into what is being deleted. */
async function remove(path: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error: unknown) {
      if (tries === REMOVALS_MAX) throw error;
      await rest(REMOVAL_PAUSE_MS);
    }
  }
}

function wallClockOf(given: unknown): number {
  if (given === undefined) return Date.now();
  const ms = Number(given);
  if (Number.isSafeInteger(ms)) return ms;
  const text = `--wall-clock is ${String(given)}: it must be a whole number of ms since 1970`;
  throw new OutriggerError("CONFIG_INVALID", text);
}
