import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type DevBroker, startDevBroker } from "@outrigger/dev-broker";
import { type Language, SDKS, setUp, startApplication, whyNot } from "../conformance/languages.ts";
import { Customers, EXAMPLES, type Example } from "../support/examples.ts";
import { Pair } from "../support/pair.ts";
import { Tail } from "../support/tail.ts";
import { kafkaAt, makeTopics, produce } from "../support/topics.ts";

describe("every example of docs/sdks.md does what it says", () => {
  const tails = new Map<string, Tail>();
  let broker: DevBroker;
  let customers: Customers;

  before(async () => {
    broker = await startDevBroker();
    customers = await Customers.start();
    const kafka = kafkaAt(broker.bootstrapServers);
    const onePartition = ["lines"];
    const topics = EXAMPLES.flatMap(({ from, to }) => [from, to]);
    await makeTopics(kafka, onePartition, {}, 1);
    await makeTopics(
      kafka,
      topics.filter((topic) => !onePartition.includes(topic)),
    );
    for (const { from, to, input } of EXAMPLES) {
      await produce(kafka, from, input);
      tails.set(to, await Tail.of(kafka, to));
    }
  });
  after(async () => {
    for (const tail of tails.values()) await tail.stop();
    await customers.stop();
    await broker.stop();
  });

  /** One example in one language, from the first record of its input on. */
  async function run(language: Language, { name, to, count, judge }: Example): Promise<void> {
    const tail = tails.get(to);
    assert.ok(tail !== undefined);
    const id = `${language.name}-${name}`;
    const pair = new Pair(broker.bootstrapServers, id, (environment) =>
      startApplication(language, name, { ...environment, CUSTOMERS_URL: customers.url }),
    );
    try {
      await tail.reaches(count, pair.children);
      await pair.stop();
      judge(await tail.take());
    } finally {
      await pair.end();
    }
  }

  for (const language of SDKS) {
    // One language after the other, for they write to the same topics.
    test(`in ${language.name}`, { skip: whyNot(language) ?? false }, async () => {
      setUp(language);
      customers.tokens.length = 0;
      await Promise.all(EXAMPLES.map((example) => run(language, example)));
      const tokens = customers.tokens.sort();
      assert.equal(tokens.length, 2);
      for (const token of tokens) {
        assert.match(token, new RegExp(`^${language.name}-enrich/orders-\\d@0$`));
      }
      assert.notEqual(tokens[0], tokens[1], "the orders are of two partitions");
    });
  }
});
