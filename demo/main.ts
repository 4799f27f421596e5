import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { argv, exit, stdout } from "node:process";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import { applicationCommand, languageOf } from "./application.ts";
import { type DemoBroker, startBroker } from "./broker.ts";
import { expectedByDay, loadFlights } from "./flights.ts";
import { connectKafka, createTopics, feed, readCommitted } from "./kafka.ts";
import { DemoProcess } from "./processes.ts";
import { Progress, table } from "./report.ts";
import {
  busiestDays,
  type OutputRecord,
  type Verdict,
  verifyCopy,
  verifyDepartures,
} from "./verify.ts";

const HELP = `npm run demo [-- options]

Feeds 20,000 real flights through Outrigger while its processes are killed, and checks that
every one was counted exactly once.

  --app LANGUAGE   the application in typescript (default), python, go or java
  --copy           the stateless copy instead of the windowed aggregate, in typescript
  --broker kafka   a real Apache Kafka (needs Java 17) instead of the embedded broker
  --help           this text
`;

/** When who is killed, as a share of the flights fed. */
const KILLS = [
  { at: 0.25, who: "application" },
  { at: 0.5, who: "sidecar" },
  { at: 0.75, who: "application" },
] as const;

const FEED_SECONDS = 10;
const READ_TIMEOUT_MS = 40_000;

/** Everything that must be gone when the demo ends, newest first. */
const cleanUps: (() => Promise<void> | void)[] = [];
let cleaned: Promise<void> = Promise.resolve();
/** The broker on its way up: what is interrupted must know it to stop it. */
let opening: Promise<unknown> = Promise.resolve();
const interrupt = new AbortController();

/** Resolves when everything that was registered is gone, whoever asked first. */
function cleanUp(): Promise<void> {
  cleaned = cleaned.then(async () => {
    for (let step = cleanUps.pop(); step !== undefined; step = cleanUps.pop()) {
      try {
        await step();
      } catch (error: unknown) {
        stdout.write(`cleaning up: ${String(error)}\n`);
      }
    }
  });
  return cleaned;
}

/** Ctrl-C: leaves nothing, also where it comes while something is being started. */
async function stop(code: number): Promise<void> {
  if (interrupt.signal.aborted) return;
  interrupt.abort(new Error("interrupted"));
  stdout.write("\nstopping …\n");
  await opening.catch(() => {});
  await cleanUp();
  exit(code);
}

async function main(): Promise<number> {
  if (argv.includes("--help")) {
    stdout.write(HELP);
    return 0;
  }
  const isCopy = argv.includes("--copy");
  const wantsKafka = argv[argv.indexOf("--broker") + 1] === "kafka";
  const startedAt = performance.now();
  const directory = mkdtempSync(join(tmpdir(), "outrigger-demo-"));
  cleanUps.push(() => rmSync(directory, { recursive: true, force: true }));
  const flights = loadFlights();
  const progress = new Progress(flights.length);
  const say = (text: string): void => progress.say(text);

  say(styleText("bold", "Outrigger demo: real flights, counted exactly once"));
  const language = languageOf(argv);
  const command = applicationCommand(language, isCopy, say);
  const starting = startBroker(wantsKafka);
  opening = starting;
  const broker = await starting;
  cleanUps.push(() => broker.stop());
  interrupt.signal.throwIfAborted();
  say(`  broker       ${broker.name}, ${broker.bootstrapServers}, pid ${broker.pid}`);
  const kafka = connectKafka(broker.bootstrapServers);
  const output = isCopy ? "flights-copy" : "departures";
  await createTopics(kafka, ["flights", output]);
  interrupt.signal.throwIfAborted();

  const address = `unix:${join(directory, "sidecar.sock")}`;
  const processes = startProcesses(broker, directory, address, { isCopy, command }, say);
  const kills = new KillPlan(processes, flights.length, say);
  await feed(
    kafka,
    flights,
    FEED_SECONDS,
    (sent) => {
      progress.draw(sent);
      kills.reached(sent);
    },
    interrupt.signal,
  );
  await kills.done();
  // Stopped by the person who watches: what follows would judge half a run.
  interrupt.signal.throwIfAborted();

  say("  reading the output back, committed records only …");
  const read = broker.read ?? ((topic, until) => readCommitted(kafka, topic, until));
  const records = await read(output, {
    enough: (found) => found.length >= flights.length,
    settle: async () => {
      await processes.application.stop();
      await processes.sidecar.stop();
    },
    timeoutMs: READ_TIMEOUT_MS,
  });
  const verdict = isCopy
    ? verifyCopy(records, flights)
    : verifyDepartures(records, expectedByDay(flights));
  if (!isCopy) say(`\n${table(busiestDays(records, 5))}\n`);
  await cleanUp();
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const counted = isCopy ? "" : `counted in ${language}; `;
  say(`  ${counted}read by ${broker.reader}; ${kills.count} processes killed; took ${seconds} s`);
  return report(verdict, flights.length, records, isCopy);
}

function startProcesses(
  broker: DemoBroker,
  directory: string,
  address: string,
  { isCopy, command }: { isCopy: boolean; command: readonly [string, ...string[]] },
  say: (line: string) => void,
): { sidecar: DemoProcess; application: DemoProcess } {
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
  const settings = {
    "bootstrap.servers": broker.bootstrapServers,
    "application.id": isCopy ? "demo-copy" : "demo",
    "state.dir": join(directory, "state"),
    "replication.factor": "1",
    "server.address": address,
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
  const run: [string, ...string[]] = [process.execPath, path("../src/main.js"), "run", ...flags];
  const sidecar = new DemoProcess("sidecar", run, {}, say);
  const environment = { OUTRIGGER_ADDRESS: address };
  const application = new DemoProcess("application", command, environment, say);
  for (const started of [sidecar, application]) {
    started.start();
    cleanUps.push(() => started.stop());
    say(`  ${started.name.padEnd(12)} pid ${started.pid}`);
  }
  return { sidecar, application };
}

/** Kills at the planned moments, and starts what was killed again at once. */
class KillPlan {
  count = 0;
  readonly #processes: { readonly sidecar: DemoProcess; readonly application: DemoProcess };
  readonly #total: number;
  readonly #say: (line: string) => void;
  #under: Promise<void> = Promise.resolve();

  constructor(
    processes: { readonly sidecar: DemoProcess; readonly application: DemoProcess },
    total: number,
    say: (line: string) => void,
  ) {
    this.#processes = processes;
    this.#total = total;
    this.#say = say;
  }

  reached(sent: number): void {
    const next = KILLS[this.count];
    if (next === undefined || sent < next.at * this.#total) return;
    this.count += 1;
    const victim = this.#processes[next.who];
    const { pid } = victim;
    this.#under = this.#under.then(async () => {
      await victim.kill();
      victim.start();
      this.#say(
        styleText("yellow", `  SIGKILL to the ${next.who}, pid ${pid}; now pid ${victim.pid}`),
      );
    });
  }

  async done(): Promise<void> {
    await this.#under;
  }
}

function report(
  verdict: Verdict,
  flights: number,
  records: readonly OutputRecord[],
  isCopy: boolean,
): number {
  const { windows, lost, doubled, faults } = verdict;
  for (const fault of faults.slice(0, 10)) stdout.write(`  WRONG ${fault}\n`);
  if (faults.length > 10) stdout.write(`  … and ${faults.length - 10} more\n`);
  const isRight = lost === 0 && doubled === 0 && faults.length === 0 && records.length === flights;
  const what = isCopy ? "copies" : "windows";
  const line = `demo: ${flights} flights in, ${windows} ${what} out, ${lost} lost, ${doubled} doubled`;
  stdout.write(`${styleText(isRight ? "green" : "red", line)}\n`);
  return isRight ? 0 : 1;
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => void stop(code));
}

let code = 1;
try {
  code = await main();
} catch (error: unknown) {
  const said = error instanceof Error ? error.message : String(error);
  if (!interrupt.signal.aborted) stdout.write(`demo: ${said}\n`);
}
// Who was interrupted ends there, with a code of its own.
if (!interrupt.signal.aborted) {
  await cleanUp();
  exit(code);
}
