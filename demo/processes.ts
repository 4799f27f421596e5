import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A process that the demo starts, kills and starts again. */
export class DemoProcess {
  readonly name: string;
  starts = 0;
  readonly #command: string;
  readonly #arguments: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  readonly #say: (line: string) => void;
  #child: ChildProcess | null = null;
  /** The end of its output, shown when it dies unasked. */
  #tail: string[] = [];
  #expected = false;
  #stopped = false;

  constructor(
    name: string,
    [command, ...args]: readonly [string, ...string[]],
    environment: Readonly<Record<string, string>>,
    say: (line: string) => void,
  ) {
    this.name = name;
    this.#command = command;
    this.#arguments = args;
    this.#environment = environment;
    this.#say = say;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Does nothing once it was stopped: a kill under way may ask for it. */
  start(): void {
    if (this.#stopped) return;
    this.starts += 1;
    this.#expected = false;
    const child = spawn(this.#command, [...this.#arguments], {
      env: { ...process.env, ...this.#environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => this.#keep(text));
    }
    child.on("exit", (code, signal) => {
      if (this.#expected || this.#child !== child) return;
      this.#say(`${this.name} ended unasked (${signal ?? `exit code ${code}`}); its last lines:`);
      for (const line of this.#tail) this.#say(`  ${line}`);
    });
  }

  /** SIGKILL: no warning, no clean-up. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM, and SIGKILL for one that does not end within `graceMs`. */
  async stop(graceMs = 8_000): Promise<void> {
    this.#stopped = true;
    const timer = setTimeout(() => this.#child?.kill("SIGKILL"), graceMs);
    await this.#end("SIGTERM");
    clearTimeout(timer);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#expected = true;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  #keep(text: string): void {
    this.#tail.push(...text.split("\n").filter((line) => line !== ""));
    this.#tail = this.#tail.slice(-12);
  }
}
