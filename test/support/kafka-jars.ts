import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

/** Apache Kafka's jars and Java: what the tests on a real broker stand on. */

export const REPOSITORY_ROOT = findRoot();
const LOCK = join(REPOSITORY_ROOT, "test/kafka/jars.lock");
const VERSION = "4.3.1";
const JAVA_MIN = 17;

function findRoot(): string {
  // Both from source and compiled: up until the lock file is found.
  let at = import.meta.dirname;
  while (!existsSync(join(at, "test/kafka/jars.lock"))) at = join(at, "..");
  return at;
}

/** The user's cache: shared by clones, never part of one. */
export function cacheFolder(name: string): string {
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(base, "outrigger", name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** null when a Java of at least 17 is on the PATH, else why it is not. */
export function whyNoJava(): string | null {
  const { stderr, status } = spawnSync("java", ["-version"], { encoding: "utf8" });
  if (status !== 0) return "there is no Java on the PATH";
  const [, major = "0"] = /version "(\d+)/.exec(stderr) ?? [];
  return Number(major) >= JAVA_MIN ? null : `Java is ${major}, Kafka needs ${JAVA_MIN}`;
}

interface Jar {
  readonly sha256: string;
  /** Path in a Maven repository. */
  readonly path: string;
}

/** The class path of broker, client and judge; fetched and verified once, then cached. */
export async function kafkaClassPath(): Promise<string> {
  const jars = readLock();
  const folder = cacheFolder(`kafka-${VERSION}`);
  if (!allPresent(folder, jars)) await fetchAll(folder, jars);
  return join(folder, "*");
}

function readLock(): Jar[] {
  return readFileSync(LOCK, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [sha256 = "", path = ""] = line.split("  ");
      return { sha256, path };
    });
}

function allPresent(folder: string, jars: readonly Jar[]): boolean {
  return jars.every(({ path }) => existsSync(join(folder, basename(path))));
}

async function fetchAll(folder: string, jars: readonly Jar[]): Promise<void> {
  process.stdout.write(`fetching Apache Kafka ${VERSION} for the tests, once …\n`);
  const fresh = mkdtempSync(join(tmpdir(), "outrigger-kafka-jars-"));
  try {
    const repository = process.env["OUTRIGGER_MAVEN_REPOSITORY"];
    if (hasMaven()) copyByMaven(fresh);
    else if (repository !== undefined) await download(repository, fresh, jars);
    else {
      throw new Error(
        "Apache Kafka's jars are not cached, and there is no `mvn` to fetch them: install Maven, " +
          "or name a Maven repository in OUTRIGGER_MAVEN_REPOSITORY",
      );
    }
    for (const { sha256, path } of jars) {
      const bytes = readFileSync(join(fresh, basename(path)));
      const actual = createHash("sha256").update(bytes).digest("hex");
      if (actual !== sha256) {
        throw new Error(`${path} has SHA-256 ${actual}, test/kafka/jars.lock says ${sha256}`);
      }
      const target = join(folder, basename(path));
      writeFileSync(`${target}.part`, bytes);
      renameSync(`${target}.part`, target);
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function hasMaven(): boolean {
  return spawnSync("mvn", ["--version"], { stdio: "ignore" }).status === 0;
}

function copyByMaven(into: string): void {
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
  const pom = join(REPOSITORY_ROOT, "test/kafka/pom.xml");
  const flags = [
    "-q",
    "-B",
    "-f",
    pom,
    goal,
    `-DoutputDirectory=${into}`,
    "-DincludeScope=runtime",
  ];
  const { status, stdout, stderr } = spawnSync("mvn", flags, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mvn could not fetch Kafka's jars:\n${stdout}${stderr}`);
}

async function download(repository: string, into: string, jars: readonly Jar[]): Promise<void> {
  const base = repository.includes("://") ? repository : pathToFileURL(repository).href;
  for (const { path } of jars) {
    const response = await fetch(`${base.replace(/\/$/, "")}/${path}`);
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status} from the repository`);
    writeFileSync(join(into, basename(path)), Buffer.from(await response.arrayBuffer()));
  }
}
