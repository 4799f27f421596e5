import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import kafkajs from "kafkajs";
import { RecordColumns } from "../../src/model/columns.ts";
import { encodeParked, parkedKey } from "../../src/tasks/parked-record.ts";
import { outrigger, type Ran } from "../support/command.ts";
import { readWithJava } from "../support/judges.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { eventually } from "../support/sidecar-process.ts";
import { kafkaAt, makeTopics, produce } from "../support/topics.ts";

const skip = whyNoKafka() ?? false;
const PASSWORD = "planted-password-7";
const LETTERS = "rights-dlq";
const MARKS = `${LETTERS}-replays`;
const TARGET = "rights-target";
const { AclOperationTypes: MAY, AclResourceTypes: ON } = kafkajs;

let broker: KafkaBroker;
before(async () => {
  if (skip !== false) return;
  const plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
  broker = await startKafka({
    listeners: { CLEAR: "SASL_PLAINTEXT" },
    config: {
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:ANONYMOUS",
      "listener.name.clear.sasl.enabled.mechanisms": "PLAIN",
      "listener.name.clear.plain.sasl.jaas.config": `${plain} user_alice="${PASSWORD}";`,
    },
  });
  const kafka = kafkaAt(broker.bootstrapServers);
  await makeTopics(kafka, [LETTERS, TARGET]);
  await produce(kafka, LETTERS, [{ key: "k", value: "v" }]);
});
after(async () => {
  if (skip === false) await broker.stop();
});

async function grant(
  resourceType: number,
  resourceName: string,
  ...operations: readonly number[]
): Promise<void> {
  const admin = kafkaAt(broker.bootstrapServers).admin();
  await admin.connect();
  await admin.createAcls({
    acl: operations.map((operation) => ({
      resourceType,
      resourceName,
      resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
      principal: "User:alice",
      host: "*",
      operation,
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    })),
  });
  await admin.disconnect();
}

/** As alice, by the settings that any command takes. */
function dlq(...args: readonly string[]): Promise<Ran> {
  return outrigger(["dlq", ...args], {
    OUTRIGGER_APPLICATION_ID: "rights",
    OUTRIGGER_BOOTSTRAP_SERVERS: broker.listeners.get("CLEAR") ?? "",
    OUTRIGGER_ERRORS_DEAD_LETTER_QUEUE_TOPIC_NAME: LETTERS,
    OUTRIGGER_REPLICATION_FACTOR: "1",
    OUTRIGGER_SECURITY_PROTOCOL: "SASL_PLAINTEXT",
    OUTRIGGER_SASL_MECHANISM: "PLAIN",
    OUTRIGGER_SASL_USERNAME: "alice",
    OUTRIGGER_SASL_PASSWORD: PASSWORD,
  });
}

/** Until it is allowed: a right takes a moment to reach the broker. */
async function allowed(...args: readonly string[]): Promise<Ran> {
  let ran = await dlq(...args);
  await eventually(
    `dlq ${args.join(" ")} with exit code 0`,
    async () => {
      if (ran.status !== 0) ran = await dlq(...args);
      return ran.status === 0;
    },
    [],
    15_000,
  ).catch((error: unknown) => {
    throw new Error(ran.stderr, { cause: error });
  });
  return ran;
}

test("the rights that docs/dead-letters.md names are enough, and needed", { skip }, async () => {
  const refused = await dlq("list");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /AUTHORIZATION_FAILED|TOPIC_MISSING/);
  for (const topic of [LETTERS, MARKS]) {
    await grant(ON.TOPIC, topic, MAY.DESCRIBE, MAY.DESCRIBE_CONFIGS, MAY.READ);
  }
  const list = await allowed("list");
  assert.match(list.stdout, /\n\n1 letter of rights-dlq\n$/);

  const replay = ["replay", "--all", "--to", TARGET];
  const denied = await dlq(...replay);
  assert.equal(denied.status, 1);
  assert.match(denied.stderr, /AUTHORIZATION_FAILED/);
  await grant(ON.TOPIC, TARGET, MAY.DESCRIBE, MAY.DESCRIBE_CONFIGS, MAY.WRITE);
  await grant(ON.TOPIC, MARKS, MAY.CREATE, MAY.WRITE);
  const unnamed = await dlq(...replay);
  assert.match(unnamed.stderr, /AUTHORIZATION_FAILED/, "the transactional id is not granted yet");
  await grant(ON.TRANSACTIONAL_ID, MARKS, MAY.DESCRIBE, MAY.WRITE);
  const done = await allowed(...replay);
  assert.match(done.stdout, /^1 of rights-dlq replayed, 1 to rights-target\n$/);
  const [record, ...others] = await readWithJava(broker.bootstrapServers, [TARGET]);
  assert.deepEqual([String(record?.key), String(record?.value), others], ["k", "v", []]);
  for (const { stdout, stderr } of [refused, list, denied, unnamed, done]) {
    assert.ok(!`${stdout}${stderr}`.includes(PASSWORD));
  }
});

test("so are those for parked records", { skip }, async () => {
  const [parked, control] = ["rights-parked-changelog", "rights-control"];
  const kafka = kafkaAt(broker.bootstrapServers);
  await makeTopics(kafka, [parked, control]);
  await park(kafka, parked);
  const refused = await dlq("list", "--parked");
  assert.equal(refused.status, 1);
  await grant(ON.TOPIC, parked, MAY.DESCRIBE, MAY.DESCRIBE_CONFIGS, MAY.READ);
  const list = await allowed("list", "--parked");
  assert.match(list.stdout, /0@0 .* in 0@5 .*rejected .*k/);

  const denied = await dlq("release", "--all");
  assert.equal(denied.status, 1);
  assert.match(denied.stderr, /AUTHORIZATION_FAILED/);
  await grant(ON.TRANSACTIONAL_ID, control, MAY.DESCRIBE, MAY.WRITE);
  const unwritten = await dlq("release", "--all");
  assert.equal(unwritten.status, 1, unwritten.stdout);
  await grant(ON.TOPIC, control, MAY.DESCRIBE, MAY.WRITE);
  const done = await allowed("release", "--all");
  assert.match(done.stdout, /^asked for 1 parked records of rights, of 1 keys/);
  const [command, ...others] = await readWithJava(broker.bootstrapServers, [control]);
  assert.deepEqual(
    [command?.partition, String(command?.value), others],
    [0, '{"v":1,"action":"release","key":null,"until":0}', []],
  );
});

/** As a sidecar has it: the record `k` = `v`, in 0@5. */
async function park(kafka: ReturnType<typeof kafkaAt>, topic: string): Promise<void> {
  const columns = new RecordColumns(Buffer.from("kv"), 1);
  columns.positions.set([0, 1, 1, 1, 2, 2]);
  columns.offsets[0] = 5;
  columns.count = 1;
  const row = { source: 0, partition: 0, columns, from: 0, to: 1 };
  const said = { node: "", type: "", message: "", stack: "" };
  const value = encodeParked(row, "in", { reason: "rejected", attempts: 1, ...said }, 10_000);
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const message = { key: parkedKey(Buffer.from("k"), 0), value, partition: 0 };
  await producer.send({ topic, messages: [message] });
  await producer.disconnect();
}
