import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import {
  type JudgedRecord,
  type ProduceStep,
  produceWithJava,
  readWithJava,
} from "../support/judges.ts";
import { Scene } from "../support/scene.ts";

const T = Date.UTC(2001, 0, 1);
const INT32_ZERO = Buffer.alloc(4);

function fields({ timestamp, key, value, headers }: JudgedRecord): unknown {
  return [timestamp, key?.toString("hex"), value?.toString(), headers];
}

/** Two Java producers whose transactions overlap, some aborted; the trap key; distant timestamps. */
function script(topic: string): ProduceStep[] {
  const send = (id: string, value: string, timestamp = T): ProduceStep => {
    const at = { topic, partition: 0, timestamp };
    return { do: "send", id, ...at, key: INT32_ZERO, value: Buffer.from(value) };
  };
  const say = (what: "begin" | "flush" | "commit" | "abort", id: string): ProduceStep => ({
    do: what,
    id,
  });
  const a = `${topic}-a`;
  const b = `${topic}-b`;
  return [
    say("begin", a),
    say("begin", b),
    send(a, "aborted 1"),
    say("flush", a),
    send(b, "b 1"),
    say("flush", b),
    send(a, "aborted 2"),
    say("abort", a),
    say("begin", a),
    send(a, "aborted 3"),
    say("flush", a),
    send(b, "b 2"),
    say("commit", b),
    say("begin", b),
    send(b, "aborted 4"),
    say("flush", b),
    say("abort", a),
    say("begin", a),
    // One batch: what lies between two flushes.
    send(a, "early", T),
    send(a, "late", T + 2 ** 31 + 1),
    send(a, "earlier again", T - 2 ** 33),
    say("commit", a),
    say("abort", b),
  ];
}

for (const kind of availableBrokers()) {
  if (kind.name !== "kafka") continue;
  describe("an input topic that is itself written in transactions", () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("comes out as the Java consumer reads it, and nothing else", async () => {
      const scene = await Scene.make(kind.name, broker, "transactional");
      try {
        await produceWithJava(broker.bootstrapServers, script(scene.input));
        const input = await readWithJava(broker.bootstrapServers, [scene.input]);
        assert.deepEqual(
          input.map(({ value }) => String(value)),
          ["b 1", "b 2", "early", "late", "earlier again"],
        );
        const sidecar = scene.startSidecar();
        scene.startApplication("test/support/apps/copy.js");
        await scene.outputs(input.length);
        assert.equal(await sidecar.stop(), "0", sidecar.output);
        for (const output of await scene.judge()) {
          assert.deepEqual(output.map(fields), input.map(fields));
        }
      } finally {
        await scene.end();
      }
    });
  });
}
