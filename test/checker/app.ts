import { createApp, DeadLetter, keyValueStore, Park, tumbling, utf8 } from "@outrigger/client";

/**
 * The workloads that the checker judges, in one topology. Every output has its input's key, and says
 * which record it came of, so that each partition of an output has one right sequence. `expected.ts`
 * says the same again from the input, and shares no code with this. A record may have a last word that says
 * what becomes of it, once half of the stores are written; a mended application does not care.
 */
const prefix = process.env["OUTRIGGER_TEST_PREFIX"] ?? "check";
/** A list that has reached it is sent once more and forgotten. */
const LIST_MAX = 24;
const GROUPS = 40;

/** Windows exclude parking. */
const parks = process.env["OUTRIGGER_TEST_PARKS"] !== undefined;
const isMended = process.env["OUTRIGGER_TEST_MENDED"] !== undefined;

const texts = { key: utf8, value: utf8 };
const sums = keyValueStore("sums", texts);
const lists = keyValueStore("lists", texts);
const books = keyValueStore("books", texts);

const app = createApp({ logger: { info: () => {}, warn: () => {} } });
const input = app.stream(`${prefix}-in`, texts);

input.mapValues((value) => value).to(`${prefix}-echo`, texts);

/** `<id> <sum> <min>` */
input
  .process<string, string>(
    async ({ key, value }, ctx) => {
      const [id = "", amount] = value.split(" ");
      const [sum, min] = ((await ctx.store(sums).get(key)) ?? "0 1000000").split(" ").map(Number);
      const next = `${Number(sum) + Number(amount)} ${Math.min(Number(min), Number(amount))}`;
      ctx.store(sums).put(key, next);
      ctx.forward({ key, value: `${id} ${next}` });
    },
    { stores: [sums] },
  )
  .to(`${prefix}-sum`, texts);

/** `<id> <count>` */
input
  .groupByKey()
  .aggregate(
    () => "none 0",
    (_key, value, before) => `${value.split(" ")[0]} ${Number(before.split(" ")[1]) + 1}`,
    { store: "counts", value: utf8 },
  )
  .to(`${prefix}-count`, texts);

/** `<id>,<id>,…`: the list of the key, with this record's id at its end. */
input
  .process<string, string>(
    async ({ key, value }, ctx) => {
      const store = ctx.store(lists);
      const [id = ""] = value.split(" ");
      const before = await store.get(key);
      const list = before === undefined ? id : `${before},${id}`;
      if (list.split(",").length >= LIST_MAX) store.delete(key);
      else store.put(key, list);
      ctx.forward({ key, value: list });
    },
    { stores: [lists] },
  )
  .to(`${prefix}-list`, texts);

/** `<id> <balance>,<balance>,…`: each record moves its amount from one account to another. */
input
  .process<string, string>(
    async ({ key, value }, ctx) => {
      const [id = "", amount, from, to, mark] = value.split(" ");
      const balances = ((await ctx.store(books).get(key)) ?? "0,0,0,0").split(",").map(Number);
      balances[Number(from)] = Number(balances[Number(from)]) - Number(amount);
      balances[Number(to)] = Number(balances[Number(to)]) + Number(amount);
      ctx.store(books).put(key, balances.join(","));
      ctx.forward({ key, value: `${id} ${balances.join(",")}` });
      if (mark !== undefined && !isMended) await misbehave(mark);
    },
    { stores: [books] },
  )
  .to(`${prefix}-bank`, texts);

/** `<start of the window> <id> <count>`; a record too late for its window has none. */
function countInWindows(): void {
  input
    .groupByKey()
    .windowedBy(tumbling("1s", { grace: "1s" }))
    .aggregate(
      () => "none 0",
      (_key, value, before) => `${value.split(" ")[0]} ${Number(before.split(" ")[1]) + 1}`,
      { store: "windows", value: utf8 },
    )
    .map(({ key: { key, window }, value }) => ({ key, value: `${window.start} ${value}` }))
    .to(`${prefix}-windows`, texts);
}

async function misbehave(mark: string): Promise<void> {
  if (mark === "fail") throw new RangeError("half-way");
  if (mark === "reject") throw new DeadLetter("no use");
  if (mark === "park") throw new Park("not yet");
  if (mark === "kill") process.kill(process.pid, "SIGKILL");
  // Dead, or hanging until it is sent away.
  await new Promise(() => {});
}

/** `<id> <count> <sum>` of the group, which is another key than the input's. */
function regroup(): void {
  input
    .map(({ value }) => ({ key: `g${Number(value.split(" ")[1]) % GROUPS}`, value }))
    .groupByKey({ ...texts, name: "regrouped" })
    .aggregate(
      () => "none 0 0",
      (_key, value, before) => {
        const [id, amount] = value.split(" ");
        const [, count, sum] = before.split(" ").map(Number);
        return `${id} ${Number(count) + 1} ${Number(sum) + Number(amount)}`;
      },
      { store: "groups", value: utf8 },
    )
    .to(`${prefix}-groups`, texts);
}

if (!parks) countInWindows();
if (process.env["OUTRIGGER_TEST_REGROUPS"] !== undefined) regroup();

await app.run({ handleSignals: true });
