import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startDevBroker } from "@outrigger/dev-broker";
import { REPOSITORY_ROOT } from "./kafka-jars.ts";
import { Pair } from "./pair.ts";
import type { Child } from "./sidecar-process.ts";
import { Tail } from "./tail.ts";
import { type Input, kafkaAt, makeTopics, produce } from "./topics.ts";

/** What a program that a README shows makes of one record. */
export interface Shown {
  readonly page: string;
  readonly from: string;
  readonly record: Input;
  readonly to: string;
  /** `<key>=<value>`. */
  readonly expected: string;
  /** How its values are told; as text where it is left out. */
  readonly read?: (value: Buffer) => unknown;
}

export const READMES = [
  "README.md",
  ...["typescript", "python", "go", "java"].map((folder) => `clients/${folder}/README.md`),
];

/** The fenced blocks of a page in one language, in order. */
export function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(REPOSITORY_ROOT, page), "utf8");
  const fenced = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  return fenced.flatMap(([, word, code = ""]) => (word === language ? [code] : []));
}

/** A 64-bit integer as Java's serializer writes it. */
export const int64 = (value: Buffer): unknown => value.readBigInt64BE();

/**
 * Runs every program of every README in one language, as it stands there, behind a real sidecar on a
 * broker. `shown` says, block by block, what comes of it: a block that it lacks fails the test.
 */
export async function runPrograms(
  language: string,
  shown: readonly Shown[],
  start: (code: string, index: number, environment: Record<string, string>) => Child,
): Promise<void> {
  const blocks = READMES.flatMap((page) =>
    blocksOf(page, language).map((code) => ({ page, code })),
  );
  assert.deepEqual(
    blocks.map(({ page }) => page),
    shown.map(({ page }) => page),
    "the test knows each block of each page",
  );
  const runs = shown.map((one, index) =>
    runProgram(one, `${one.page}, block ${index}`, (environment) =>
      start(blocks[index]?.code ?? "", index, environment),
    ),
  );
  await Promise.all(runs);
}

/** Runs one program on a broker of its own. */
export async function runProgram(
  { from, record, to, expected, read = String }: Shown,
  what: string,
  start: (environment: Record<string, string>) => Child,
): Promise<void> {
  const broker = await startDevBroker();
  const kafka = kafkaAt(broker.bootstrapServers);
  try {
    await makeTopics(kafka, [from, to]);
    await produce(kafka, from, [record]);
    const tail = await Tail.of(kafka, to);
    const pair = new Pair(broker.bootstrapServers, "readme", start);
    try {
      await tail.reaches(1, pair.children);
      await pair.stop();
      const told = (await tail.take()).map(
        ({ key, value }) => `${key}=${value === null ? null : read(value)}`,
      );
      assert.deepEqual(told, [expected], what);
    } finally {
      await pair.end();
      await tail.stop();
    }
  } finally {
    await broker.stop();
  }
}
