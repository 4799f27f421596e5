import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, kafkaClassPath, REPOSITORY_ROOT } from "./kafka-jars.ts";

/** A committed record, as a client that is not ours read it. */
export interface JudgedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [key: string, value: Buffer | null])[];
}

/** Kafka's Java consumer, reading committed, from the beginning to the last stable offset. */
export async function readWithJava(
  bootstrapServers: string,
  topics: readonly string[],
): Promise<JudgedRecord[]> {
  const output = await runJudge(["read", bootstrapServers, ...topics], "");
  return parse(output);
}

/** The same while they are being written; `ended` reads on to the end of that moment. */
export async function followWithJava(
  bootstrapServers: string,
  topics: readonly string[],
): Promise<{ ended(): Promise<JudgedRecord[]>; kill(): void }> {
  const flags = await judgeFlags(["follow", bootstrapServers, ...topics]);
  const child = spawn("java", flags, { stdio: ["pipe", "pipe", "ignore"] });
  const pieces: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  const closed = new Promise((resolve) => child.on("close", resolve));
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  return {
    ended: async () => {
      child.stdin.end("end\n");
      await closed;
      process.off("exit", kill);
      const said = Buffer.concat(pieces).toString();
      if (!said.endsWith("end\n")) throw new Error("the follower ended before it was told to");
      return parse(said.slice(0, -"end\n".length));
    },
    kill: () => {
      kill();
      process.off("exit", kill);
    },
  };
}

/**
 * What the broker says of topics, of a group and of its transactions, to Kafka's admin client; waits so
 * long for open transactions to end. One line of tab-separated fields each: see Facts.java.
 */
export async function readFactsWithJava(
  bootstrapServers: string,
  groupId: string,
  topics: readonly string[],
  waitMs: number,
): Promise<string[][]> {
  const output = await runJudge(["facts", bootstrapServers, groupId, `${waitMs}`, ...topics], "");
  return output.split("\n").map((line) => line.split("\t"));
}

/** librdkafka, by the confluent-kafka wheel, the same way; null where Python is not to be had. */
export async function readWithLibrdkafka(
  bootstrapServers: string,
  topics: readonly string[],
): Promise<JudgedRecord[] | null> {
  const python = pythonWithConfluent();
  if (python === null) return null;
  const script = join(REPOSITORY_ROOT, "test/kafka/judge.py");
  return parse(await run(python, [script, bootstrapServers, ...topics], ""));
}

/**
 * One step of a script for a producer. The id `-` is one without transactions; behind an `@` stands
 * the codec, if any.
 */
export type ProduceStep =
  | { readonly do: "begin" | "flush" | "commit" | "abort"; readonly id: string }
  | {
      readonly do: "send";
      readonly id: string;
      readonly topic: string;
      readonly partition: number;
      readonly timestamp: number;
      readonly key: Buffer | null;
      readonly value: Buffer | null;
      readonly headers?: JudgedRecord["headers"];
    };

/** Several Java producers at once, interleaved as the script says. */
export async function produceWithJava(
  bootstrapServers: string,
  steps: readonly ProduceStep[],
): Promise<void> {
  await runJudge(["produce", bootstrapServers], script(steps));
}

/** The same with librdkafka; false where Python is not to be had. */
export async function produceWithLibrdkafka(
  bootstrapServers: string,
  steps: readonly ProduceStep[],
): Promise<boolean> {
  const python = pythonWithConfluent();
  if (python === null) return false;
  const program = join(REPOSITORY_ROOT, "test/kafka/produce.py");
  await run(python, [program, bootstrapServers], script(steps));
  return true;
}

/** franz-go, reading committed records of partition 0; null where Go is not to be had. */
export async function readWithFranzGo(
  bootstrapServers: string,
  topics: readonly string[],
): Promise<JudgedRecord[] | null> {
  const program = franzGo();
  return program === null
    ? null
    : parse(await run(program, ["read", bootstrapServers, ...topics], ""));
}

/** False where Go is not to be had. */
export async function produceWithFranzGo(
  bootstrapServers: string,
  steps: readonly ProduceStep[],
): Promise<boolean> {
  const program = franzGo();
  if (program === null) return false;
  await run(program, ["produce", bootstrapServers], script(steps));
  return true;
}

/** Built once for each version of its source; said plainly where it cannot be. */
function franzGo(): string | null {
  const folder = join(REPOSITORY_ROOT, "test/kafka/franz-go");
  const hash = createHash("sha256");
  for (const name of ["main.go", "go.mod", "go.sum"]) hash.update(readFileSync(join(folder, name)));
  const built = cacheFolder(`franz-go-${hash.digest("hex").slice(0, 12)}`);
  const program = join(built, process.platform === "win32" ? "interop.exe" : "interop");
  if (existsSync(program)) return program;
  const { status, stderr } = spawnSync("go", ["build", "-o", program, "."], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status === 0) return program;
  const why = (stderr ?? "there is no Go on the PATH").trim().split("\n").at(-1);
  process.stdout.write(`NOT PROVED: nothing was tried with franz-go: ${why}\n`);
  return null;
}

function script(steps: readonly ProduceStep[]): string {
  const lines = steps.map((step) => {
    if (step.do !== "send") return `${step.do} ${step.id}`;
    const { id, topic, partition, timestamp, key, value, headers = [] } = step;
    const named = headers.map(([name, bytes]) => ` ${encode(Buffer.from(name))} ${encode(bytes)}`);
    const fields = `${id} ${topic} ${partition} ${timestamp} ${encode(key)} ${encode(value)}`;
    return `send ${fields}${named.join("")}`;
  });
  return `${lines.join("\n")}\n`;
}

/** A Java consumer in a group, by the protocol of KIP-848, until it is told to leave. */
export async function joinWithJava(
  bootstrapServers: string,
  groupId: string,
  topic: string,
): Promise<{ leave(): Promise<void> }> {
  const flags = await judgeFlags(["join", bootstrapServers, groupId, topic]);
  const child = spawn("java", flags, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`the member ended with ${String(code)}`)));
  });
  return {
    leave: async () => {
      child.stdin.end("leave\n");
      await ended;
    },
  };
}

/** What each client may send and read in a second, by Kafka's admin client. */
export async function limitWithJava(bootstrapServers: string, bytes: number): Promise<void> {
  await runJudge(["quota", bootstrapServers, `${bytes}`], "");
}

/** Sends a steady input with Kafka's Java producer until it is told to stop: see Sender.java. */
export async function sendWithJava(
  bootstrapServers: string,
  topic: string,
  atLeast: number,
  perSecond: number,
): Promise<{ stop(): Promise<{ readonly acknowledged: number; readonly failed: number }> }> {
  const flags = await judgeFlags(["send", bootstrapServers, topic, `${atLeast}`, `${perSecond}`]);
  const child = spawn("java", flags, { stdio: ["pipe", "pipe", "ignore"] });
  const killAtExit = (): boolean => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  let said = "";
  child.stdout.on("data", (text: Buffer) => {
    said += text.toString();
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`the sender ended with ${String(code)}`)));
  });
  return {
    stop: async () => {
      child.stdin.end("stop\n");
      const code = await ended;
      process.off("exit", killAtExit);
      const [, acknowledged, failed] = /^(\d+)\t(\d+)\nend$/m.exec(said) ?? [];
      if (acknowledged === undefined) throw new Error(`the sender ended with ${String(code)}`);
      return { acknowledged: Number(acknowledged), failed: Number(failed) };
    },
  };
}

async function runJudge(args: readonly string[], input: string): Promise<string> {
  return await run("java", await judgeFlags(args), input);
}

async function judgeFlags(args: readonly string[]): Promise<string[]> {
  const classPath = await kafkaClassPath();
  const classes = compileJudge(classPath);
  const separator = process.platform === "win32" ? ";" : ":";
  const flags = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
  return [...flags, "-cp", `${classes}${separator}${classPath}`, "Judge", ...args];
}

function compileJudge(classPath: string): string {
  const sources = ["Judge.java", "Facts.java", "Sender.java"].map((name) =>
    join(REPOSITORY_ROOT, "test/kafka", name),
  );
  return compileJava("judge", sources, classPath);
}

/** The classes of these sources, compiled once for each version of them, and of those they are built on. */
export function compileJava(
  name: string,
  sources: readonly string[],
  classPath: string,
  builtOn: readonly string[] = [],
): string {
  const hash = createHash("sha256");
  for (const source of [...sources, ...builtOn]) hash.update(readFileSync(source));
  const classes = cacheFolder(`${name}-${hash.digest("hex").slice(0, 12)}`);
  const done = join(classes, "compiled");
  if (existsSync(done)) return classes;
  const flags = ["-cp", classPath, "-d", classes, ...sources];
  const { status, stderr } = spawnSync("javac", flags, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} does not compile (is a JDK there?):\n${stderr}`);
  writeFileSync(done, "");
  return classes;
}

const CONFLUENT_KAFKA = "confluent-kafka==2.12.2";
let python: string | null | undefined;

/** A virtual environment in the user's cache; said plainly where it cannot be made. */
function pythonWithConfluent(): string | null {
  if (python !== undefined) return python;
  const folder = cacheFolder(`librdkafka-${CONFLUENT_KAFKA.replace("==", "-")}`);
  const binary = join(folder, process.platform === "win32" ? "Scripts/python" : "bin/python");
  const ready = (): boolean =>
    spawnSync(binary, ["-c", "import confluent_kafka"], { stdio: "ignore" }).status === 0;
  if (!existsSync(binary) || !ready()) {
    spawnSync("python3", ["-m", "venv", folder], { stdio: "ignore" });
    spawnSync(binary, ["-m", "pip", "install", "-q", CONFLUENT_KAFKA], { stdio: "ignore" });
  }
  python = existsSync(binary) && ready() ? binary : null;
  if (python === null) {
    process.stdout.write(
      `NOT PROVED: librdkafka judged nothing: no python3 with ${CONFLUENT_KAFKA} could be made\n`,
    );
  }
  return python;
}

async function run(command: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000);
  });
  // A child that ends early says why on stderr.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.on("close", resolve));
  const output = Buffer.concat(chunks).toString();
  if (code !== 0 || !output.endsWith("end\n")) {
    throw new Error(`${command} ended with ${String(code)}:\n${said}`);
  }
  return output.slice(0, -"end\n".length);
}

function parse(output: string): JudgedRecord[] {
  // Each line ends itself: an empty value at the very end is nothing to trim.
  return output
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [topic = "", partition, offset, timestamp, key, value, ...rest] = line.split("\t");
      const headers: [string, Buffer | null][] = [];
      for (let i = 0; i < rest.length; i += 2) {
        headers.push([decode(rest[i])?.toString() ?? "", decode(rest[i + 1])]);
      }
      return {
        topic,
        partition: Number(partition),
        offset: Number(offset),
        timestamp: Number(timestamp),
        key: decode(key),
        value: decode(value),
        headers,
      };
    });
}

function encode(bytes: Buffer | null): string {
  return bytes === null ? "-" : bytes.toString("base64");
}

function decode(text: string | undefined): Buffer | null {
  return text === undefined || text === "-" ? null : Buffer.from(text, "base64");
}
