import type { Command } from "commander";
import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Letter, LetterPlace } from "../letters/letter.ts";
import { isSelected, placeName, type Selection } from "../letters/selection.ts";
import type { ParkedBox, ReleaseRequest } from "../parked-box.ts";
import { keyBytes } from "./dlq-arguments.ts";
import { letterJson, letterText, listed, listJson, listText } from "./dlq-text.ts";
import { EXIT, type Outcome } from "./exit-codes.ts";
import { loadFor, type Options, withSettings } from "./settings.ts";
import { logOf, type World } from "./world.ts";

/** `dlq list --parked`: records that wait, in the columns of letters. */
export async function listParked(
  world: World,
  options: Options,
  selection: Selection,
  limit: number,
): Promise<void> {
  await withParked(world, options, async (box, where) => {
    const chosen = (await box.letters(null)).filter((letter) => isSelected(letter, selection));
    const letters = chosen.slice(0, limit).map((letter) => listed(letter, null));
    if (options.json === true) return world.say(listJson(where, letters, chosen.length > limit));
    const more = chosen.length > limit;
    world.say(letters.length === 0 ? `no such ${where}\n` : listText(where, letters, more));
  });
}

/** `dlq show --parked`: one of them, whole; the exit code. */
export async function showParked(
  world: World,
  options: Options,
  place: LetterPlace,
): Promise<number> {
  let exitCode: number = EXIT.failed;
  await withParked(world, options, async (box, where) => {
    const found = (await box.letters(place)).find((letter) => isAt(letter, place));
    if (found === undefined) {
      const text = `${where} holds none at ${placeName(place)}`;
      world.complain(`outrigger: ${text}; \`outrigger dlq list --parked\` says what is there\n`);
      return;
    }
    exitCode = EXIT.ok;
    world.say((options.json === true ? letterJson : letterText)(where, found, null));
  });
  return exitCode;
}

export function addRelease(dlq: Command, world: World, outcome: Outcome): void {
  const command = dlq
    .command("release")
    .summary("Let parked records go: processed again, or dropped.")
    .description(RELEASE)
    .option("--key <key>", "The records of this key: text, `hex:…` or `base64:…`.")
    .option("--all", "The records of every key.")
    .option("--drop", "Do not process them: each becomes a dead letter.")
    .option("--discard", "With --drop: leave no dead letters.");
  withSettings(command).action(async (options: Options) => {
    const key = keyOf(options);
    const action = actionOf(options, world);
    await withParked(world, options, async (box, where) => {
      const { records, keys } = await box.release(
        { action, key },
        world.env["OUTRIGGER_FAILPOINT"],
      );
      if (records > 0 || key === null) {
        const what = action === "release" ? "processed again" : "dropped";
        const rest = records === 0 ? "" : `: they are ${what} as soon as a sidecar reads it`;
        world.say(`asked for ${records} ${where}, of ${keys} keys${rest}\n`);
        return;
      }
      outcome.exitCode = EXIT.failed;
      const text = `there are no ${where} of that key`;
      world.complain(`outrigger: ${text}; \`outrigger dlq list --parked\` says what is there\n`);
    });
  });
}

function keyOf(options: Options): Buffer | null {
  const key = typeof options["key"] === "string" ? keyBytes(options["key"]) : null;
  if ((key === null) === (options["all"] === true)) return key;
  const text = "which records? Use --key for those of one key, or --all for every key";
  throw new OutriggerError("CONFIG_INVALID", text);
}

function actionOf(options: Options, world: World): ReleaseRequest["action"] {
  const [drops, discards] = [options["drop"] === true, options["discard"] === true];
  if (!drops && discards) {
    throw new OutriggerError("CONFIG_INVALID", "--discard belongs to --drop: use both, or neither");
  }
  if (!drops) return "release";
  if (discards) return "discard";
  if (loadFor(options, world).config.errorsDeadLetterQueueTopicName !== null) return "drop";
  const text =
    "--drop writes dead letters, and there is no topic for them: set " +
    "errors.dead.letter.queue.topic.name for the sidecars and here, or add --discard";
  throw new OutriggerError("CONFIG_INVALID", text);
}

async function withParked(
  world: World,
  options: Options,
  use: (box: ParkedBox, where: string) => Promise<void>,
): Promise<void> {
  const loaded = loadFor(options, world);
  const { config } = loaded;
  // Loaded here, so that `--help` answers without Kafka.
  const { ParkedBox } = await import("../parked-box.ts");
  const box = await ParkedBox.open(config, logOf(world, config, loaded));
  try {
    await use(box, `parked records of ${config.applicationId}`);
  } finally {
    await box.close();
  }
}

function isAt(letter: Letter, { partition, offset }: LetterPlace): boolean {
  return letter.partition === partition && letter.offset === offset;
}

const RELEASE =
  "Ask the sidecars to let parked records go, once what they failed of is mended: they are processed " +
  "again, in order and before later records of their keys; one that fails again is parked again, with " +
  "those behind it. The request is a record of `<application.id>-control`: it is carried out exactly " +
  "once, also where no sidecar runs at the moment, or one dies over it. With --drop they are not " +
  "processed; what is parked while the command runs is not dropped.";
