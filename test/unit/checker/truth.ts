import type { Marks } from "../../checker/conditions.ts";
import { expectedOf, type Letter, OUTPUTS, STORES } from "../../checker/expected.ts";
import type { Facts } from "../../checker/facts.ts";
import { type InputRecord, inputs } from "../../checker/inputs.ts";
import type { StoredTask } from "../../checker/stores.ts";
import type { JudgedRecord } from "../../support/judges.ts";

/** A run in which all is well, for planting faults into. */
export const PREFIX = "t";
export const PARTITIONS = 2;
export const TOPIC_ID = "000102030405060708090a0b0c0d0e0f";

type Records = Map<string, JudgedRecord[]>;

/** By topic partition, as `t-echo-1`. */
export interface Truth {
  readonly logs: Records;
  readonly facts: Facts & { readonly tasks: StoredTask[] };
}

export function truth(count = 400, marks: Marks = () => null): Truth {
  const logs: Records = new Map();
  const facts: Facts & { tasks: StoredTask[] } = {
    prefix: PREFIX,
    records: [],
    topicIds: new Map(),
    ends: new Map(),
    committed: new Map(),
    history: new Map(),
    openTransactions: [],
    tasks: [],
  };
  for (let partition = 0; partition < PARTITIONS; partition++) {
    fill(logs, facts, partition, inputs(partition, 0, count, marks));
  }
  return { logs, facts };
}

function fill(
  logs: Records,
  facts: Truth["facts"],
  partition: number,
  given: readonly InputRecord[],
): void {
  const append = (
    name: string,
    key: string,
    value: string | null,
    timestamp: number,
    headers: JudgedRecord["headers"] = [],
  ): void => {
    const log = logs.get(`${name}-${partition}`) ?? [];
    const [keyBytes, valueBytes] = [Buffer.from(key), value === null ? null : Buffer.from(value)];
    const [topic, offset] = [name, log.length];
    const record = { topic, partition, offset, timestamp, key: keyBytes, value: valueBytes };
    log.push({ ...record, headers });
    logs.set(`${name}-${partition}`, log);
  };
  for (const { key, value, timestamp } of given) {
    append(`${PREFIX}-in`, key, value, timestamp);
  }
  const input = logs.get(`${PREFIX}-in-${partition}`) ?? [];
  const expected = expectedOf(input);
  for (const output of OUTPUTS) {
    for (const { key, value, timestamp } of expected.outputs[output]) {
      append(`${PREFIX}-${output}`, key, value, timestamp);
    }
  }
  for (const letter of expected.letters) append(...letterAppended(partition, letter));
  const stores: [string, { topicId: string; position: number; content: Map<string, Buffer> }][] =
    [];
  for (const store of STORES) {
    const topic = `${PREFIX}-${store}-changelog`;
    const content = new Map<string, Buffer>();
    for (const [key, versions] of expected.versions[store]) {
      for (const { value } of versions) append(topic, key, value, 0);
      const last = versions.at(-1)?.value ?? null;
      if (last !== null) content.set(Buffer.from(key).toString("hex"), Buffer.from(last));
    }
    const position = logs.get(`${topic}-${partition}`)?.length ?? 0;
    stores.push([store, { topicId: TOPIC_ID, position, content }]);
  }
  const path = `0_${partition}`;
  const inputOffsets = new Map([[`${PREFIX}-in-${partition}`, input.length]]);
  facts.tasks.push({ path, partition, stores: new Map(stores), inputOffsets });
}

function letterAppended(partition: number, { offset, key, value, timestamp, reason }: Letter) {
  const said = {
    "__streams.errors.topic": `${PREFIX}-in`,
    "__streams.errors.partition": String(partition),
    "__streams.errors.offset": String(offset),
    "outrigger.errors.reason": reason,
  };
  const headers = Object.entries(said).map(([name, text]) => [name, Buffer.from(text)] as const);
  return [`${PREFIX}-letters`, key, value, timestamp, headers] as const;
}

/** The facts as readers would find them, after faults were planted in the logs. */
export function read({ logs, facts }: Truth): Facts {
  const records = [...logs.values()].flat();
  const ends = new Map(
    [...logs].map(([name, { length }]) => [name, { first: 0, stable: length, end: length }]),
  );
  const topics = new Set(records.map(({ topic }) => topic));
  const id = Buffer.from(TOPIC_ID, "hex").toString("base64url");
  const topicIds = new Map([...topics].map((topic) => [topic, id]));
  const inputs = [...ends].filter(([name]) => name.startsWith(`${PREFIX}-in-`));
  const committed = new Map(inputs.map(([name, { end }]) => [name, end]));
  const history = new Map(inputs.map(([name, { end }]) => [name, [0, 7, 7, end]]));
  return { ...facts, records, ends, topicIds, committed, history };
}
