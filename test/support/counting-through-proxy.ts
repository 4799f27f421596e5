import assert from "node:assert/strict";
import { assertCountedOnce } from "./counted-once.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { Fault, Rule } from "./fault-rules.ts";
import { type KafkaBroker, startKafka } from "./kafka-broker.ts";
import { Scene } from "./scene.ts";
import { type Input, produce } from "./topics.ts";

const RECORDS = 600;
const KEYS = 20;
const COUNTER = "test/support/apps/counter.js";
/** Small batches and quick commits: many transactions. */
const FLAGS = {
  "batch.max.records": 20,
  "commit.interval.ms": 10,
  "transaction.timeout.ms": 5_000,
};

const input: readonly Input[] = Array.from({ length: RECORDS }, (_, i) => ({
  key: `key-${i % KEYS}`,
  value: `v${i}`,
}));

const REQUESTS = { Produce: 0, InitProducerId: 22, EndTxn: 26, TxnOffsetCommit: 28 } as const;

/** The first, and then each `every`-th of the sidecar's; everybody else's pass. */
export interface Trouble {
  readonly request: keyof typeof REQUESTS;
  readonly every: number;
  readonly fault: Fault;
  readonly times?: number;
}

/** A real broker that tells clients of a proxy, and a counting application through it. */
export class CountingThroughProxy {
  readonly #broker: KafkaBroker;
  readonly #proxy: FaultProxy;

  private constructor(broker: KafkaBroker, proxy: FaultProxy) {
    this.#broker = broker;
    this.#proxy = proxy;
  }

  static async start(): Promise<CountingThroughProxy> {
    let proxy: FaultProxy | null = null;
    const broker = await startKafka({
      advertise: async (address) => {
        proxy = await FaultProxy.start(address);
        return proxy.address;
      },
    });
    if (proxy === null) throw new Error("the broker asked for no proxy");
    return new CountingThroughProxy(broker, proxy);
  }

  /** Each record must count once, says Java and librdkafka; resolves with how much trouble it met. */
  async countedOnceDespite(...troubles: readonly Trouble[]): Promise<number> {
    const proxy = this.#proxy;
    const scene = await Scene.make("kafka", this.#broker, "lost", FLAGS);
    try {
      await produce(scene.kafka, scene.input, input);
      const before = proxy.faults;
      proxy.inject(...troubles.map((trouble) => ruleOf(trouble, scene.settings.applicationId)));
      const sidecar = scene.startSidecar();
      scene.startApplication(COUNTER);
      await scene.outputs(RECORDS, 120_000);
      proxy.inject();
      assert.equal(await sidecar.stop(), "0", sidecar.output);
      for (const output of await scene.judge()) assertCountedOnce(output, input);
      return proxy.faults - before;
    } finally {
      proxy.inject();
      await scene.end();
    }
  }

  async stop(): Promise<void> {
    await this.#broker.stop();
    await this.#proxy.stop();
  }
}

function ruleOf({ request, every, fault, times }: Trouble, application: string): Rule {
  let count = 0;
  return {
    apiKey: REQUESTS[request],
    when: ({ clientId }) => clientId === application && count++ % every === 0,
    ...(times === undefined ? {} : { times }),
    fault,
  };
}
