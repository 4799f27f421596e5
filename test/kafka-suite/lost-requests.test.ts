import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CountingThroughProxy } from "../support/counting-through-proxy.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";

const missing = whyNoKafka();
if (missing === null) describe("R-7: a sidecar whose requests and answers meet trouble", suite);
else process.stdout.write(`NOT PROVED: lost answers of a real broker, because ${missing}\n`);

function suite(): void {
  let scene: CountingThroughProxy;

  before(async () => {
    scene = await CountingThroughProxy.start();
  });

  after(async () => {
    await scene.stop();
  });

  for (const kind of ["lostAnswer", "lostRequest", "duplicate"] as const) {
    for (const request of ["Produce", "TxnOffsetCommit", "EndTxn"] as const) {
      test(`${kind} of every third ${request}: each record counts once`, async () => {
        const faults = await scene.countedOnceDespite({ request, every: 3, fault: { kind } });
        assert.ok(faults >= 2, `${faults} faults`);
      });
    }
    test(`${kind} of InitProducerId, and of the EndTxn that calls for it`, async () => {
      const faults = await scene.countedOnceDespite(
        { request: "InitProducerId", every: 2, fault: { kind }, times: 3 },
        { request: "EndTxn", every: 4, fault: { kind: "lostAnswer" } },
      );
      assert.ok(faults >= 2, `${faults} faults`);
    });
  }

  test("requests that wait, and connections that stay half open", async () => {
    const faults = await scene.countedOnceDespite(
      { request: "Produce", every: 5, fault: { kind: "delay", ms: 200 } },
      { request: "EndTxn", every: 6, fault: { kind: "delay", ms: 300 } },
      { request: "TxnOffsetCommit", every: 100, fault: { kind: "halfOpen" }, times: 1 },
    );
    assert.ok(faults >= 3, `${faults} faults`);
  });
}
