import { type Command, Option } from "commander";
import type { Config } from "../config/config.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Letterbox } from "../letterbox.ts";
import type { LetterPlace } from "../letters/letter.ts";
import { EVERY_LETTER, parsePlace, type Selection } from "../letters/selection.ts";
import { keyBytes, sinceMs, wholeNumber } from "./dlq-arguments.ts";
import { addRelease, listParked, showParked } from "./dlq-parked.ts";
import {
  type ListedLetter,
  letterJson,
  letterText,
  listed,
  listJson,
  listText,
} from "./dlq-text.ts";
import { EXIT, type Outcome } from "./exit-codes.ts";
import { loadFor, type Options, withSettings } from "./settings.ts";
import { logOf, type World } from "./world.ts";

const LIMIT = 100;
const LIMIT_MAX = 100_000;
const BATCH = 500;
const BATCH_MAX = 10_000;

/** `outrigger dlq`: what is in the dead-letter topic, and the way back. */
export function addDlq(program: Command, world: World, outcome: Outcome): void {
  const dlq = program
    .command("dlq")
    .summary("List, show and replay dead letters, release parked records.")
    .description(DLQ)
    .addHelpText("after", EXAMPLES);
  const list = dlq.command("list").summary("List dead letters.").description(LIST);
  withSelection(list)
    .option("--parked", PARKED)
    .option("--limit <n>", `Letters at most, up to ${LIMIT_MAX} (default: ${LIMIT}).`)
    .option("--json", "Print JSON.");
  withTopic(list).action(async (options: Options) => {
    const selection = selectionOf([], options);
    const limit = wholeNumber("--limit", options["limit"], LIMIT, LIMIT_MAX);
    if (options["parked"] === true) return await listParked(world, options, selection, limit);
    await withLetterbox(world, options, async (box, topic) => {
      const { letters, more } = await collect(box, selection, limit);
      world.say((options.json === true ? listJson : listText)(topic, letters, more));
    });
  });
  const show = dlq
    .command("show")
    .summary("Show one dead letter whole.")
    .description(SHOW)
    .argument("<letter>", "`partition@offset`, as `list` prints it.")
    .option("--parked", PARKED)
    .option("--json", "Print JSON.");
  withTopic(show).action(async (place: string, options: Options) => {
    if (options["parked"] === true) {
      outcome.exitCode = await showParked(world, options, placeOf(place));
      return;
    }
    const selection = { ...EVERY_LETTER, places: [placeOf(place)] };
    await withLetterbox(world, options, async (box, topic) => {
      for await (const { letter, replayed } of box.letters(selection)) {
        const print = options.json === true ? letterJson : letterText;
        return world.say(print(topic, letter, replayed));
      }
      outcome.exitCode = complainOfMissing(world, topic, [place]);
    });
  });
  addReplay(dlq, world, outcome);
  addRelease(dlq, world, outcome);
}

function addReplay(dlq: Command, world: World, outcome: Outcome): void {
  const command = dlq
    .command("replay")
    .summary("Send dead letters back as the records that they were.")
    .description(REPLAY)
    .argument("[letters...]", "`partition@offset`, as `list` prints them.")
    .option("--all", "Every letter of the topic.")
    .option("--to <topic>", "Send to this topic (default: each to the one that it came from).")
    .addOption(new Option("--again [before]", AGAIN))
    .option("--batch <n>", `Letters in a transaction, up to ${BATCH_MAX} (default: ${BATCH}).`);
  withTopic(withSelection(command)).action(async (places: string[], options: Options) => {
    const selection = selectionOf(places, options);
    requireChoice(selection, options["all"] === true);
    const startedAtMs = Date.now();
    const batchMax = wholeNumber("--batch", options["batch"], BATCH, BATCH_MAX);
    const to = textOf(options["to"]);
    const againBeforeMs = againOf(options["again"], startedAtMs);
    const progress = (replayed: number): void => {
      world.complain(`${replayed} replayed\n`);
    };
    await withLetterbox(world, options, async (box, topic) => {
      if (options["again"] === true) world.complain(resumption(startedAtMs));
      const request = { selection, to, againBeforeMs, startedAtMs, batchMax, progress };
      const done = await box.replay(request, world.env["OUTRIGGER_FAILPOINT"]);
      world.say(replayedText(topic, done));
      if (done.missing.length > 0) outcome.exitCode = complainOfMissing(world, topic, done.missing);
    });
  });
}

function withTopic(command: Command): Command {
  command.option(
    "--topic <topic>",
    "The dead-letter topic (default: errors.dead.letter.queue.topic.name).",
  );
  return withSettings(command);
}

function withSelection(command: Command): Command {
  return command
    .option("--source <topic>", "Only records that came from this topic.")
    .option("--reason <reason>", "Only those given up for this reason, as `list` prints it.")
    .option("--key <key>", "Only records with this key: text, `hex:…` or `base64:…`.")
    .option(
      "--since <time>",
      "Only records from this time on: ISO 8601, or `90s`, `30m`, `12h`, `7d` ago.",
    );
}

/** Opens what the configuration names, and closes it again. */
async function withLetterbox(
  world: World,
  options: Options,
  use: (box: Letterbox, topic: string) => Promise<void>,
): Promise<void> {
  const loaded = loadFor(options, world);
  const { config } = loaded;
  const topic = topicOf(options, config);
  // Loaded here, so that `--help` answers without Kafka.
  const { Letterbox } = await import("../letterbox.ts");
  const box = await Letterbox.open(config, topic, logOf(world, config, loaded));
  try {
    await use(box, topic);
  } finally {
    await box.close();
  }
}

function topicOf(options: Options, config: Config): string {
  const topic = textOf(options["topic"]) ?? config.errorsDeadLetterQueueTopicName;
  if (topic !== null) return topic;
  const text =
    "no dead-letter topic is named: set errors.dead.letter.queue.topic.name, or use --topic";
  throw new OutriggerError("CONFIG_INVALID", text);
}

async function collect(
  box: Letterbox,
  selection: Selection,
  limit: number,
): Promise<{ readonly letters: readonly ListedLetter[]; readonly more: boolean }> {
  const letters: ListedLetter[] = [];
  for await (const { letter, replayed } of box.letters(selection)) {
    if (letters.length === limit) return { letters, more: true };
    letters.push(listed(letter, replayed));
  }
  return { letters, more: false };
}

function selectionOf(places: readonly string[], options: Options): Selection {
  const key = textOf(options["key"]);
  const since = textOf(options["since"]);
  return {
    places: places.length === 0 ? null : places.map(placeOf),
    source: textOf(options["source"]),
    reason: textOf(options["reason"]),
    key: key === null ? null : keyBytes(key),
    sinceMs: since === null ? null : sinceMs("--since", since, Date.now()),
  };
}

function placeOf(text: string): LetterPlace {
  const place = parsePlace(text);
  if (place !== null) return place;
  const said = `"${text}" is no place of a letter: it is partition@offset, as \`dlq list\` prints it`;
  throw new OutriggerError("CONFIG_INVALID", said);
}

/** Everything is replayed only where somebody says so. */
function requireChoice(selection: Selection, all: boolean): void {
  const { places, source, reason, key, sinceMs: since } = selection;
  const isChosen = [places, source, reason, key, since].some((each) => each !== null);
  if (all !== isChosen) return;
  const text = all
    ? "--all means every letter: leave out what chooses some of them, or leave out --all"
    : "which letters? Name them as partition@offset, choose by --source, --reason, --key or --since, " +
      "or use --all";
  throw new OutriggerError("CONFIG_INVALID", text);
}

function againOf(given: unknown, startedAtMs: number): number | null {
  if (given === undefined || given === false) return null;
  return typeof given === "string" ? sinceMs("--again", given, startedAtMs) : startedAtMs;
}

/** An interrupted `--again`, typed once more, would replay twice what it had replayed. */
function resumption(startedAtMs: number): string {
  return `to go on after an interruption, use --again ${new Date(startedAtMs).toISOString()}\n`;
}

function replayedText(topic: string, done: Awaited<ReturnType<Letterbox["replay"]>>): string {
  const { replayed, already, topics } = done;
  const where = [...topics].map(([name, count]) => `, ${count} to ${name}`).join("");
  const before =
    already === 0 ? "" : `; ${already} replayed already (--again replays them once more)`;
  return `${replayed} of ${topic} replayed${where}${before}\n`;
}

function complainOfMissing(world: World, topic: string, places: readonly string[]): number {
  const text = `${topic} has no letter at ${places.join(", ")}`;
  world.complain(`outrigger: ${text}; \`outrigger dlq list\` says what is there\n`);
  return EXIT.failed;
}

function textOf(given: unknown): string | null {
  return typeof given === "string" ? given : null;
}

const AGAIN =
  "Replay also what was replayed already; with a time, only what was replayed by commands started " +
  "before it.";

const PARKED =
  "Records that are parked, in place of letters: their place is their task and their place in its line.";

const DLQ =
  "Look at the records that were given up, and send them back. Works with the dead letters of Kafka " +
  "Streams too (KIP-1034). Nothing is taken out of the dead-letter topic.";

const LIST =
  "List dead letters by partition and offset: the record's time, where it came from, why and after how " +
  "many tries it was given up, its key, the error, and when it was replayed.";

const SHOW =
  "Show one letter whole: why its record was given up, the record's headers, key and value, as text or " +
  "`hex:…`. Exit code 1 where there is none.";

const REPLAY =
  "Send letters back as the records that they were: key, value, timestamp, partition and their own " +
  "headers. Each is sent in one transaction with a note that it was, in the topic " +
  "`<dead-letter topic>-replays`, which is made where it is missing: so a replay that was killed is simply " +
  "run again, and what was replayed is not replayed a second time, unless --again says so. Only what is " +
  "in the dead-letter topic at the start is replayed.";

const EXAMPLES = `
Examples:
  outrigger dlq list --config orders.yaml --since 12h
  outrigger dlq show 2@17 --config orders.yaml
  outrigger dlq replay 2@17 2@19 --config orders.yaml
  outrigger dlq replay --reason retries_exhausted --source orders --config orders.yaml
  outrigger dlq replay --all --to orders-retry --config orders.yaml
  outrigger dlq list --parked --config orders.yaml
  outrigger dlq release --key customer-7 --config orders.yaml
  outrigger dlq list --topic orders-dlq --json --application.id any --bootstrap.servers kafka:9092`;
