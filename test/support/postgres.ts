import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./ports.ts";
import { Child, eventually } from "./sidecar-process.ts";

/** PostgreSQL refuses to run as root: then it is this user, `nobody`. */
const NOBODY = 65_534;

/** null where PostgreSQL's server is not installed. */
export function postgresPrograms(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).map((v) => join(debian, v, "bin")) : [];
  const folders = [...(process.env["PATH"] ?? "").split(":"), ...versions];
  const isThere = (folder: string) =>
    ["initdb", "postgres"].every((program) => existsSync(join(folder, program)));
  return folders.find(isThere) ?? null;
}

/** A PostgreSQL of its own on loopback; its data are gone with it. */
export class Postgres {
  readonly url: string;
  readonly #server: Child;
  readonly #folder: string;

  private constructor(url: string, server: Child, folder: string) {
    this.url = url;
    this.#server = server;
    this.#folder = folder;
  }

  static async start(programs: string): Promise<Postgres> {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-postgres-"));
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(folder, NOBODY, NOBODY);
    chmodSync(folder, 0o700);
    const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
    const data = join(folder, "data");
    const flags = ["-D", data, "-U", "test", "--auth=trust", "--no-sync", "--encoding=UTF8"];
    const made = spawnSync(join(programs, "initdb"), flags, { ...user, encoding: "utf8" });
    if (made.status !== 0) throw new Error(`initdb failed:\n${made.stdout}${made.stderr}`);
    const port = await freePort();
    const args = ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", folder];
    const server = new Child("postgres", args, {}, join(programs, "postgres"), user);
    const isUp = (): boolean => /ready to accept connections/.test(server.output);
    await eventually("PostgreSQL to start", isUp, [server]);
    return new Postgres(`postgres://test@127.0.0.1:${port}/postgres`, server, folder);
  }

  async stop(): Promise<void> {
    // The fast shutdown: whoever is connected still is let go.
    this.#server.signal("SIGINT");
    await this.#server.ended();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
