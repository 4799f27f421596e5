import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
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

/** Apache Kafka's jars and Java: what the tests on a real broker stand on. */

export const REPOSITORY_ROOT = findRoot();
/** What the Java client, Kafka Streams, and brokers by default are. */
const PINNED = "4.3.1";
const JAVA_MIN = 17;

/** Of the brokers that tests start: `OUTRIGGER_TEST_KAFKA`, for which there must be a lock file. */
export const BROKER_VERSION = process.env["OUTRIGGER_TEST_KAFKA"] ?? PINNED;

function lockOf(version: string): string {
  const name = version === PINNED ? "jars.lock" : `jars-${version}.lock`;
  return join(REPOSITORY_ROOT, "test/kafka", name);
}

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

/** null when a real Kafka can be run here, else what is missing for it. */
export function whyNoKafka(): string | null {
  const missing = whyNoJava();
  if (missing !== null) return missing;
  const repository = process.env["OUTRIGGER_MAVEN_REPOSITORY"];
  const versions = [PINNED, BROKER_VERSION];
  const unknown = versions.find((version) => !existsSync(lockOf(version)));
  if (unknown !== undefined)
    return `there is no ${lockOf(unknown)} that says what Kafka ${unknown} is`;
  const isCached = versions.every((version) =>
    allPresent(cacheFolder(`kafka-${version}`), readLock(version)),
  );
  if (isCached || repository !== undefined || hasMaven()) return null;
  return (
    "Apache Kafka's jars are not cached, and there is no `mvn` to fetch them (install Maven, or name " +
    "a Maven repository in OUTRIGGER_MAVEN_REPOSITORY)"
  );
}

/** The judge is compiled where it is used, so a JDK is needed. */
function whyNoJava(): string | null {
  const { stderr, status } = spawnSync("java", ["-version"], { encoding: "utf8" });
  if (status !== 0) return "there is no Java on the PATH";
  const [, major = "0"] = /version "(\d+)/.exec(stderr) ?? [];
  if (Number(major) < JAVA_MIN) return `Java is ${major}, Kafka needs ${JAVA_MIN}`;
  const { status: compiler } = spawnSync("javac", ["-version"]);
  return compiler === 0 ? null : "there is a Java, but no `javac`: a JDK is needed";
}

interface Jar {
  readonly sha256: string;
  /** Path in a Maven repository. */
  readonly path: string;
}

/** The class path of client, judge and Kafka Streams; fetched and verified once, then cached. */
export async function kafkaClassPath(version = PINNED): Promise<string> {
  const jars = readLock(version);
  const folder = cacheFolder(`kafka-${version}`);
  if (!allPresent(folder, jars)) await fetchAll(folder, jars, version);
  return join(folder, "*");
}

/** The class path of brokers. */
export async function brokerClassPath(): Promise<string> {
  return kafkaClassPath(BROKER_VERSION);
}

function readLock(version: string): Jar[] {
  return readFileSync(lockOf(version), "utf8")
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

async function fetchAll(folder: string, jars: readonly Jar[], version: string): Promise<void> {
  process.stdout.write(`fetching Apache Kafka ${version} for the tests, once …\n`);
  const fresh = mkdtempSync(join(tmpdir(), "outrigger-kafka-jars-"));
  try {
    const repository = process.env["OUTRIGGER_MAVEN_REPOSITORY"];
    if (repository === undefined) copyByMaven(fresh, version);
    else await download(repository, fresh, jars);
    for (const { sha256, path } of jars) {
      const bytes = readFileSync(join(fresh, basename(path)));
      const actual = createHash("sha256").update(bytes).digest("hex");
      if (actual !== sha256) {
        throw new Error(`${path} has SHA-256 ${actual}, ${lockOf(version)} says ${sha256}`);
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

function copyByMaven(into: string, version: string): void {
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
    `-Dkafka.version=${version}`,
  ];
  const { status, stdout, stderr } = spawnSync("mvn", flags, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mvn could not fetch Kafka's jars:\n${stdout}${stderr}`);
}

/** A repository is a URL, or a folder laid out as one. */
async function download(repository: string, into: string, jars: readonly Jar[]): Promise<void> {
  const base = repository.replace(/\/$/, "");
  for (const { path } of jars) {
    const target = join(into, basename(path));
    if (!base.includes("://")) {
      copyFileSync(join(base, path), target);
      continue;
    }
    const response = await fetch(`${base}/${path}`);
    if (!response.ok) throw new Error(`${base}/${path}: HTTP ${response.status}`);
    writeFileSync(target, Buffer.from(await response.arrayBuffer()));
  }
}
