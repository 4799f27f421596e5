import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { type JudgedRecord, readWithJava } from "../support/judges.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { type Input, makeTopics, produce } from "../support/topics.ts";

/** Counts in windows of five minutes without grace. */
const APP = "test/support/apps/yardstick.js";
const SIZE_MS = 300_000;
const START_MS = Math.floor(Date.now() / SIZE_MS) * SIZE_MS - 48 * 3_600_000;
const RECORDS = 20_000;
const PORTION = 20;
const STEP_MS = 5_000;
const KEYS = 12;
/** How the sidecars die, one after the other: around the moment at which letters are committed. */
const KILLS = ["produceSent:5", "ending:7", "endSent:7", "applying:7"];

/** Some are behind by a window or two; some by so little that it depends on where the windows lie. */
const inputs: readonly Input[] = Array.from({ length: RECORDS }, (_, n) => {
  const behind = n % 7 === 3 ? 2 * SIZE_MS : n % 5 === 1 ? SIZE_MS / 3 : 0;
  const timestamp = START_MS + n * STEP_MS - behind;
  return { key: `key-${n % KEYS}`, value: `record ${n}`, timestamp };
});

/** What is to come of an input as it stands in its topic: stream time is each partition's own. */
interface Expected {
  readonly outputs: Map<string, string[]>;
  readonly late: JudgedRecord[];
}

function expectedOf(given: readonly JudgedRecord[]): Expected {
  const streamTimes = new Map<number, number>();
  const outputs = new Map<string, string[]>();
  const late: JudgedRecord[] = [];
  for (const record of given.toSorted((one, other) => one.offset - other.offset)) {
    const { partition, key, timestamp } = record;
    const streamTime = Math.max(streamTimes.get(partition) ?? 0, timestamp);
    streamTimes.set(partition, streamTime);
    const start = Math.floor(timestamp / SIZE_MS) * SIZE_MS;
    if (start + SIZE_MS <= streamTime) {
      late.push(record);
      continue;
    }
    const window = `${key}@${start}`;
    const counts = outputs.get(window) ?? [];
    counts.push(`${counts.length + 1}`);
    outputs.set(window, counts);
  }
  return { outputs: new Map([...outputs].sort()), late };
}

function byKey(output: readonly JudgedRecord[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { key, value } of output) {
    found.set(String(key), [...(found.get(String(key)) ?? []), String(value)]);
  }
  return new Map([...found].sort());
}

const at = ({ partition, offset }: { readonly partition: number; readonly offset: number }) =>
  `${partition}@${offset}`;

/** Where the record of each letter stood. */
function placesOf(letters: readonly JudgedRecord[]): string[] {
  return letters.map(({ headers }) => {
    const said = new Map(headers.map(([name, value]) => [name, String(value)]));
    const [partition, offset] = ["partition", "offset"].map((name) => {
      return Number(said.get(`__streams.errors.${name}`));
    });
    return at({ partition: partition ?? -1, offset: offset ?? -1 });
  });
}

/** Each late record once, to the byte, with the reason; none besides. */
function assertLetters(letters: readonly JudgedRecord[], scene: Scene, late: JudgedRecord[]): void {
  const expected = new Map(late.map((record) => [at(record), record]));
  const places = placesOf(letters);
  assert.deepEqual(places.toSorted(), [...expected.keys()].sort());
  for (const [index, letter] of letters.entries()) {
    const { key, value, timestamp } = expected.get(places[index] ?? "") ?? letter;
    assert.deepEqual([letter.key, letter.value, letter.timestamp], [key, value, timestamp]);
    const said = Object.fromEntries(letter.headers.map(([name, text]) => [name, String(text)]));
    assert.equal(said["__streams.errors.topic"], scene.input);
    assert.equal(said["outrigger.errors.reason"], "late");
    assert.equal(said["outrigger.errors.application.id"], scene.settings.applicationId);
    const { "outrigger.errors.node": node = "", "__streams.errors.message": text = "" } = said;
    assert.notEqual(node, "");
    const [, named, streamTime] =
      /at node "(\S+)" had closed: stream time is (\d+) ms/.exec(text) ?? [];
    assert.equal(named, node);
    assert.ok(Number(streamTime) >= (Math.floor(timestamp / SIZE_MS) + 1) * SIZE_MS, text);
  }
}

for (const kind of availableBrokers()) {
  if (kind.name !== "kafka") continue;
  describe(`records that come too late on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("each has one dead letter, in the transaction that steps over it, whoever dies: G-11", async () => {
      const letters = `late-${kind.name}-dlq`;
      const scene = await Scene.make(kind.name, broker, `late-${kind.name}`, {
        "errors.dead.letter.queue.topic.name": letters,
        "errors.dead.letter.queue.late.records": "true",
        "batch.max.records": 20,
        "commit.interval.ms": 20,
      });
      try {
        await makeTopics(scene.kafka, [letters]);
        let sent = 0;
        const send = async (): Promise<void> => {
          await produce(scene.kafka, scene.input, inputs.slice(sent, sent + PORTION));
          sent += PORTION;
        };
        scene.startApplication(APP);
        for (const [turn, kill] of KILLS.entries()) {
          const sidecar = scene.startSidecar({ OUTRIGGER_FAILPOINT: kill });
          const ended = sidecar.ended();
          while (sent < RECORDS - 2 * PORTION && (await isAlive(ended))) await send();
          assert.equal(await ended, "SIGKILL", `${kill}: ${sidecar.output}`);
          await assertTogether(scene, letters);
          if (turn === 1) scene.wipeState();
        }
        // And once from without, while letters are being written.
        const [before] = await scene.judge([letters]);
        scene.startSidecar();
        await send();
        await scene.records(letters, (before?.length ?? 0) + 1);
        await scene.sidecar?.kill();
        await assertTogether(scene, letters);
        scene.startSidecar();
        await send();
        const [given] = await scene.judge([scene.input]);
        assert.equal(given?.length, sent);
        const { outputs, late } = expectedOf(given ?? []);
        assert.ok(late.length > 50, `only ${late.length} records are late`);
        await scene.outputs(sent - late.length);
        await scene.records(letters, late.length);
        assert.equal(await scene.application?.stop(), "0");
        assert.equal(await scene.sidecar?.stop(), "0", scene.sidecar?.output);
        for (const judged of await scene.judge([letters])) assertLetters(judged, scene, late);
        for (const judged of await scene.judge()) assert.deepEqual(byKey(judged), outputs);
      } finally {
        await scene.end();
      }
    });
  });
}

/**
 * While nobody runs: what is committed as read has its letters, and nothing else has. A commit that was
 * decided may become visible topic by topic.
 */
async function assertTogether({ settings, kafka, input }: Scene, letters: string): Promise<void> {
  const { applicationId, bootstrapServers } = settings;
  let said = "";
  const isTogether = async (): Promise<boolean> => {
    const offsets = await committedOf(kafka, applicationId, input);
    const judged = await readWithJava(bootstrapServers, [input, letters]);
    const of = (wanted: string) => judged.filter(({ topic }) => topic === wanted);
    const isRead = ({ partition, offset }: JudgedRecord) => offset < (offsets.get(partition) ?? 0);
    const wanted = expectedOf(of(input)).late.filter(isRead);
    const [found, expected] = [placesOf(of(letters)).sort(), wanted.map(at).sort()];
    said = `${found.length} letters of ${expected.length} late records that were stepped over`;
    return found.join() === expected.join();
  };
  await eventually("letters that agree with the offsets", isTogether, [], 20_000).catch(() => {
    assert.fail(said);
  });
}

async function committedOf(
  kafka: Scene["kafka"],
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, number>> {
  const admin = kafka.admin();
  await admin.connect();
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  await admin.disconnect();
  return new Map(
    (found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]),
  );
}

async function isAlive(ended: Promise<string>): Promise<boolean> {
  const alive = new Promise<string>((resolve) => setTimeout(resolve, 50, ""));
  return (await Promise.race([ended, alive])) === "";
}
