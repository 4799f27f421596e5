import assert from "node:assert/strict";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DAY_MS, dayKey, departureMs, loadFlights } from "../../demo/flights.ts";
import type { JudgedRecord } from "./judges.ts";
import type { Input } from "./topics.ts";

/** One of the examples that each SDK has: docs/sdks.md. */
export interface Example {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly input: readonly Input[];
  /** How many records come of it. */
  readonly count: number;
  /** Fails where the output is not what must come of the input. */
  judge(output: readonly JudgedRecord[]): void;
}

type Values = ReadonlyMap<string, readonly unknown[]>;

/** The values of each key, in order: a key is in one partition, so they have one. */
function byKey<T>(entries: Iterable<readonly [key: string, value: T]>): Map<string, T[]> {
  const values = new Map<string, T[]>();
  for (const [key, value] of entries) values.set(key, [...(values.get(key) ?? []), value]);
  return values;
}

function example(
  [name, from, to]: readonly [string, string, string],
  input: readonly Input[],
  expected: Values,
  read: (value: Buffer) => unknown,
): Example {
  const count = [...expected.values()].reduce((sum, list) => sum + list.length, 0);
  const judge = (output: readonly JudgedRecord[]): void => {
    const found = output.map(
      ({ key, value }) => [String(key), value === null ? null : read(value)] as const,
    );
    assert.deepEqual(sorted(byKey(found)), sorted(expected));
  };
  return { name, from, to, input, count, judge };
}

function sorted(values: Values): readonly (readonly [string, readonly unknown[]])[] {
  return [...values].sort(([left], [right]) => (left < right ? -1 : 1));
}

const text = (value: Buffer): string => value.toString();
const json = (value: Buffer): unknown => JSON.parse(value.toString());
const int64 = (value: Buffer): bigint => value.readBigInt64BE();

function quickstart(): Example {
  const greetings = ["hello", "été", "你好", "", "¡hola!"];
  const input = greetings.map((value, index) => ({ key: `k${index}`, value }));
  const expected = byKey(input.map(({ key, value }) => [key, value.toUpperCase()] as const));
  const names = ["quickstart", "greetings", "shouted-greetings"] as const;
  return example(names, input, expected, text);
}

/** How often each word has come, as each comes. */
function countsOf(lines: readonly string[]): Map<string, bigint[]> {
  const words = lines.flatMap((line) => line.toLowerCase().match(/[a-z]+/g) ?? []);
  const seen = new Map<string, bigint>();
  return byKey(
    words.map((word) => {
      const count = (seen.get(word) ?? 0n) + 1n;
      seen.set(word, count);
      return [word, count] as const;
    }),
  );
}

const LINES = ["the Cat and the dog", "", "A cat,a CAT; 12 cats!", "the end"];

function wordCount(): Example {
  const input = LINES.map((value) => ({ key: "line", value }));
  const names = ["word-count", "lines", "word-counts"] as const;
  return example(names, input, countsOf(LINES), int64);
}

function deduplicate(): Example {
  const once = Array.from({ length: 12 }, (_, index) => ({
    key: `payer-${index % 5}`,
    payment: { id: `p${index}`, cents: index * 100 },
  }));
  const sent = [...once, ...once.slice(3, 9), ...once.slice(0, 1)];
  const input = sent.map(({ key, payment }) => ({ key, value: JSON.stringify(payment) }));
  const expected = byKey(once.map(({ key, payment }) => [key, payment] as const));
  return example(["deduplicate", "payments", "payments-once"], input, expected, json);
}

const CUSTOMERS = new Map([
  ["c1", "Ada"],
  ["c2", "Grace"],
]);

function enrich(): Example {
  // Kafka's partitioner puts the two keys into different partitions of the four.
  const orders = [
    { key: "one", customer: "c1", cents: 5 },
    { key: "two", customer: "c2", cents: 700 },
  ];
  const input = orders.map(({ key, customer, cents }) => ({
    key,
    value: JSON.stringify({ customer, cents }),
  }));
  const named = orders.map(({ key, customer, cents }) => {
    return [key, { customer, cents, name: CUSTOMERS.get(customer) }] as const;
  });
  return example(["enrich", "orders", "orders-enriched"], input, byKey(named), json);
}

function flights(): Example {
  const some = loadFlights().slice(0, 400);
  const input = some.map((flight) => ({
    key: flight.origin,
    value: JSON.stringify(flight),
    timestamp: departureMs(flight),
  }));
  const sums = new Map<string, { count: number; delaySum: number }>();
  const updates = some.map((flight) => {
    const day = dayKey(flight.origin, Math.floor(departureMs(flight) / DAY_MS) * DAY_MS);
    const before = sums.get(day) ?? { count: 0, delaySum: 0 };
    const sum = { count: before.count + 1, delaySum: before.delaySum + flight.delay };
    sums.set(day, sum);
    return [day, { count: sum.count, averageDelay: sum.delaySum / sum.count }] as const;
  });
  return example(["flights", "flights", "departures"], input, byKey(updates), json);
}

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);

function windowCounts(): Example {
  const minutes = [0, 1, 4, 5, 9, 10, 30];
  const events = minutes.flatMap((minute) =>
    ["a", "b", "c"].slice(minute % 3).map((key) => ({ key, minute })),
  );
  const seen = new Map<string, bigint>();
  const updates = events.map(({ key, minute }) => {
    const window = `${key}@${START_MS + (minute - (minute % 5)) * MINUTE_MS}`;
    const count = (seen.get(window) ?? 0n) + 1n;
    seen.set(window, count);
    return [window, count] as const;
  });
  const input = events.map(({ key, minute }) => {
    return { key, value: "", timestamp: START_MS + minute * MINUTE_MS };
  });
  return example(["window-counts", "events", "event-counts"], input, byKey(updates), int64);
}

const SENTENCES = ["one two", "Two three two", "", "three!"];

/** Of one key, so of one partition: behind the repartition the words of one sentence keep their order. */
function wordTotals(): Example {
  const input = SENTENCES.map((value) => ({ key: "sentence", value }));
  const names = ["word-totals", "sentences", "word-totals"] as const;
  return example(names, input, countsOf(SENTENCES), int64);
}

const GAP_MS = 30 * MINUTE_MS;

/** Clicks in order of time, so that a click goes on with the last visit or begins another. */
function visits(): Example {
  const clicks = [0, 1, 20, 50, 81, 82, 200].flatMap((minute) =>
    ["ada", "grace"].slice(minute % 2).map((user) => ({ user, at: START_MS + minute * MINUTE_MS })),
  );
  const open = new Map<string, { start: number; end: number; count: bigint }>();
  const updates = clicks.flatMap(({ user, at }) => {
    const last = open.get(user);
    const goesOn = last !== undefined && at - last.end <= GAP_MS;
    const visit = goesOn
      ? { start: last.start, end: at, count: last.count + 1n }
      : { start: at, end: at, count: 1n };
    open.set(user, visit);
    const counted = [`${user} ${visit.start}-${visit.end}`, visit.count] as const;
    return goesOn ? [[`${user} ${last.start}-${last.end}`, null] as const, counted] : [counted];
  });
  const input = clicks.map(({ user, at }) => ({ key: user, value: "/", timestamp: at }));
  return example(["visits", "clicks", "visits"], input, byKey<bigint | null>(updates), int64);
}

export const EXAMPLES: readonly Example[] = [
  quickstart(),
  wordCount(),
  deduplicate(),
  enrich(),
  flights(),
  windowCounts(),
  wordTotals(),
  visits(),
];

/**
 * The service that `enrich` asks. It answers nobody before every customer was asked for: an
 * application in which one order blocks another partition's never gets an answer.
 */
export class Customers {
  readonly tokens: string[] = [];
  readonly #server: Server;
  readonly #waiting = new Map<string, ServerResponse>();

  private constructor() {
    this.#server = createServer((request, response) => {
      this.tokens.push(String(request.headers["idempotency-key"]));
      const customer = request.url?.split("/").at(-1) ?? "";
      this.#waiting.set(customer, response);
      if (this.#waiting.size < CUSTOMERS.size) return;
      for (const [id, waiting] of this.#waiting) {
        waiting.setHeader("content-type", "application/json");
        waiting.end(JSON.stringify({ name: CUSTOMERS.get(id) }));
      }
      this.#waiting.clear();
    });
  }

  static async start(): Promise<Customers> {
    const customers = new Customers();
    await new Promise<void>((resolve) => customers.#server.listen(0, "127.0.0.1", resolve));
    return customers;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/customers`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
