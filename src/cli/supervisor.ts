import { type ChildProcess, spawn } from "node:child_process";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import type { Log } from "../ports/log.ts";

export interface SupervisorOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The application's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly restart?: RestartLimits;
  /** How long an application may take to end after SIGTERM before it is killed. */
  readonly stopTimeoutMs?: number;
}

/** Pauses before a restart: doubling from first to last, anew after a run that was long enough. */
export interface RestartLimits {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly steadyAfterMs: number;
}

const RESTART: RestartLimits = { firstMs: 100, lastMs: 10_000, steadyAfterMs: 10_000 };
const STOP_TIMEOUT_MS = 5_000;

/**
 * Keeps one application process alive. Whatever way it ends, it is started again: its death costs a
 * redelivery and nothing else.
 *
 *   running ──exit──▶ waiting ──pause──▶ running;  any ──hold──▶ held ──stop──▶ stopped
 */
export class Supervisor {
  /** Rejects when the application cannot be started at all, for instance a program not found. */
  readonly failed: Promise<never>;
  readonly #options: SupervisorOptions;
  readonly #restart: RestartLimits;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #restarts = true;
  #deathsInARow = 0;
  #starts = 0;
  #fail: (error: OutriggerError) => void = () => {};

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#restart = options.restart ?? RESTART;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Whoever waits on it hears of it; nobody waiting must not end the process.
    this.failed.catch(() => {});
  }

  /** How often the application was started. */
  get starts(): number {
    return this.#starts;
  }

  /** The running application's process id. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const [program = "", ...args] = this.#options.command;
    const startedAtMs = performance.now();
    this.#starts++;
    const child = spawn(program, args, { stdio: "inherit", env: { ...this.#options.env } });
    this.#child = child;
    child.once("error", (error) => {
      if (child.pid !== undefined) return;
      this.#child = null;
      this.#fail(
        new OutriggerError(
          "CONFIG_INVALID",
          `the application "${program}" cannot be started (${asError(error).message}): give its command ` +
            "after --",
          { cause: error },
        ),
      );
    });
    child.once("exit", (code, signal) => {
      this.#child = null;
      if (this.#restarts) this.#died(code, signal, performance.now() - startedAtMs);
    });
  }

  /**
   * No more restarts. Ctrl-C in a terminal reaches the application as well as us, and one that
   * ended of it must not come back while the sidecar drains.
   */
  hold(): void {
    this.#restarts = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Ends the application: SIGTERM, then SIGKILL. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.hold();
    const child = this.#child;
    if (child === null || child.pid === undefined) return;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const killAfterMs = this.#options.stopTimeoutMs ?? STOP_TIMEOUT_MS;
    const kill = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    child.kill("SIGTERM");
    await exited;
    clearTimeout(kill);
  }

  #died(code: number | null, signal: string | null, ranMs: number): void {
    const { firstMs, lastMs, steadyAfterMs } = this.#restart;
    if (ranMs >= steadyAfterMs) this.#deathsInARow = 0;
    const pauseMs = Math.min(lastMs, firstMs * 2 ** Math.min(this.#deathsInARow, 20));
    this.#deathsInARow++;
    this.#options.log.warn("the application ended and will be started again", {
      ...(code === null ? {} : { exitCode: code }),
      ...(signal === null ? {} : { signal }),
      pauseMs,
    });
    this.#timer = setTimeout(() => this.start(), pauseMs);
  }
}
