import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "./kafka-jars.ts";

const DIST = join(REPOSITORY_ROOT, "dist");

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A script in a process of its own, and a group of its own, which a test may kill. */
export class Child {
  readonly name: string;
  output = "";
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** `command` is Node where it is left out, and `args` begin with a script. */
  constructor(
    name: string,
    args: readonly string[],
    environment: Record<string, string>,
    command: string | null = null,
    user: { readonly uid?: number; readonly gid?: number } = {},
  ) {
    this.name = name;
    const all = command === null ? ["--enable-source-maps", ...args] : [...args];
    this.#process = spawn(command ?? process.execPath, all, {
      ...user,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    running.add(this.#process);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (text: Buffer) => {
        this.output = (this.output + text.toString()).slice(-200_000);
      });
    }
    this.#exited = once(this.#process, "exit").then(() => running.delete(this.#process));
  }

  /** What was said since it was last taken; nothing is lost while it is taken often. */
  takeOutput(): string {
    const { output } = this;
    this.output = "";
    return output;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** `SIGKILL`, or the exit code as text. */
  async ended(): Promise<string> {
    await this.#exited;
    return this.#process.signalCode ?? String(this.#process.exitCode);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exited;
  }

  /** What Ctrl-C in a terminal does: SIGINT to the process and to all that it started. */
  async interrupt(): Promise<string> {
    if (this.#process.pid !== undefined) process.kill(-this.#process.pid, "SIGINT");
    return await this.ended();
  }

  async stop(): Promise<string> {
    this.#process.kill("SIGTERM");
    return await this.ended();
  }
}

export interface SidecarSettings {
  readonly bootstrapServers: string;
  readonly applicationId: string;
  readonly stateDir: string;
  readonly address: string;
  readonly flags?: Readonly<Record<string, string | number>>;
  /** Where it was built; here where it is left out. */
  readonly dist?: string;
}

/** The sidecar, compiled, as a user starts it. */
export function startSidecarProcess(
  settings: SidecarSettings,
  environment: Record<string, string> = {},
  command: string | null = null,
): Child {
  const values = {
    "bootstrap.servers": settings.bootstrapServers,
    "application.id": settings.applicationId,
    "state.dir": settings.stateDir,
    "server.address": settings.address,
    "replication.factor": 1,
    ...settings.flags,
  };
  const flags = Object.entries(values).flatMap(([key, value]) => [`--${key}`, String(value)]);
  return new Child(
    "sidecar",
    [join(settings.dist ?? DIST, "src/main.js"), "run", ...flags],
    environment,
    command,
  );
}

/** One of `test/support/apps` or `demo`, compiled. */
export function startApplication(
  script: string,
  address: string,
  environment: Record<string, string> = {},
): Child {
  return new Child(script, [join(DIST, script)], { ...environment, OUTRIGGER_ADDRESS: address });
}

/** Waits for a condition; fails with what the children said when it does not come. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  children: readonly Child[] = [],
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      const said = children.map(({ name, output }) => `--- ${name}\n${output.slice(-4_000)}`);
      throw new Error(`${what}: not within ${timeoutMs} ms\n${said.join("\n")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
