import { Command, CommanderError } from "commander";
import { configurationSchema } from "../config/pages.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { check } from "./check-command.ts";
import { printConfig } from "./config-command.ts";
import { describeTopology } from "./describe-command.ts";
import { dev } from "./dev-command.ts";
import { addDlq } from "./dlq-command.ts";
import { EXIT, errorText, exitCodeOf, type Outcome } from "./exit-codes.ts";
import { addSettings, fileOf, flagsOf, loadFor, type Options, withSettings } from "./settings.ts";
import { runSidecar } from "./sidecar-command.ts";
import { testDriver } from "./test-driver-command.ts";
import { version } from "./version.ts";
import { logOf, type World } from "./world.ts";

/** Runs one command line and returns its exit code; never throws. */
export async function runCli(argv: readonly string[], world: World): Promise<number> {
  const outcome: Outcome = { exitCode: EXIT.ok };
  try {
    const program = buildProgram(world, outcome);
    addSettings(program, argv);
    await program.parseAsync([...argv], { from: "user" });
    return outcome.exitCode;
  } catch (error: unknown) {
    // The text of a wrong command line has been written by then.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    world.complain(errorText(error));
    return exitCodeOf(error);
  }
}

function buildProgram(world: World, outcome: Outcome): Command {
  const program = new Command("outrigger")
    .description(DESCRIPTION)
    .version(version(), "--version", "Print the version.")
    .helpOption("-h, --help", "Explain a command.")
    .helpCommand("help [command]", "Explain a command.")
    .exitOverride()
    .configureOutput({ writeOut: world.say, writeErr: world.complain })
    .showHelpAfterError("Run with --help for what is possible.")
    .addHelpText("after", EXAMPLES);
  addRun(program, world, outcome);
  addDev(program, world, outcome);
  addTestDriver(program, world, outcome);
  addCheck(program, world, outcome);
  addDescribe(program, world, outcome);
  addDlq(program, world, outcome);
  addConfig(program, world);
  return program;
}

function addRun(program: Command, world: World, outcome: Outcome): void {
  const command = program
    .command("run")
    .summary("Run a sidecar, and an application beside it.")
    .description(RUN)
    .argument("[application...]", "The application's command line, after `--`.")
    .addHelpText("after", RUN_EXAMPLES);
  withSettings(command).action(async (application: string[], options: Options) => {
    const loaded = loadFor(options, world);
    const { config, explicit } = loaded;
    const log = logOf(world, config, loaded);
    outcome.exitCode = await runSidecar({ config, explicit, application, env: world.env, log });
  });
}

function addDev(program: Command, world: World, outcome: Outcome): void {
  const command = program
    .command("dev")
    .summary("Run an embedded broker and a sidecar; nothing to install.")
    .description(DEV)
    .argument("[application...]", "The application's command line, after `--`.")
    .option("--broker-port <port>", "Port of the embedded broker (default: any that is free).");
  withSettings(command).action(async (application: string[], options: Options) => {
    const file = fileOf(options, world);
    const brokerPort = portOf(options["brokerPort"]);
    outcome.exitCode = await dev(world, { flags: flagsOf(options), file, application, brokerPort });
  });
}

function addTestDriver(program: Command, world: World, outcome: Outcome): void {
  const command = program
    .command("test-driver")
    .summary("Run an application's unit tests without a broker; for the SDKs.")
    .description(TEST_DRIVER)
    .option("--wall-clock <ms>", "The clock at the start, in ms since 1970 (default: now).");
  withSettings(command).action(async (options: Options) => {
    outcome.exitCode = await testDriver(world, {
      flags: flagsOf(options),
      file: fileOf(options, world),
      wallClock: options["wallClock"],
      input: process.stdin,
    });
  });
}

function addCheck(program: Command, world: World, outcome: Outcome): void {
  const command = program
    .command("check")
    .summary("Look for what forbids exactly-once, or will hurt it.")
    .description(CHECK)
    .argument("[application...]", "The application's command line, after `--`.")
    .option("--wait", "Wait for an application that is started elsewhere.")
    .option("--json", "Print JSON.")
    .addHelpText("after", CHECK_EXAMPLES);
  withSettings(command).action(async (application: string[], options: Options) => {
    outcome.exitCode = await check(world, {
      load: () => loadFor(options, world),
      application,
      wait: options["wait"] === true,
      asJson: options.json === true,
    });
  });
}

function addDescribe(program: Command, world: World, outcome: Outcome): void {
  const describe = program.command("describe").summary("Show what an application would run.");
  const command = describe
    .command("topology")
    .summary("Print or draw its sub-topologies, nodes, stores and topics.")
    .description(DESCRIBE)
    .argument("[application...]", "The application's command line, after `--`.")
    .option("--wait", "Wait for an application that is started elsewhere.")
    .option("--mermaid", "Draw it: text for Mermaid, as GitHub shows it.")
    .addHelpText("after", DESCRIBE_EXAMPLES);
  withSettings(command).action(async (application: string[], options: Options) => {
    outcome.exitCode = await describeTopology(world, {
      flags: flagsOf(options),
      file: fileOf(options, world),
      application,
      wait: options["wait"] === true,
      asMermaid: options["mermaid"] === true,
    });
  });
}

function addConfig(program: Command, world: World): void {
  const config = program.command("config").summary("Print settings, or the schema of a file.");
  const print = config
    .command("print")
    .summary("Print every setting with its value and source.")
    .description("Print every setting with its value and where it comes from. Secrets show as ***.")
    .option("--json", "Print JSON.");
  withSettings(print).action((options: Options) => {
    world.say(printConfig(loadFor(options, world), options.json === true));
  });
  config
    .command("schema")
    .summary("Print the JSON Schema of a configuration file.")
    .description("Print the JSON Schema of a configuration file, for completion in an editor.")
    .action(() => world.say(configurationSchema()));
}

function portOf(given: unknown): number {
  if (given === undefined) return 0;
  const port = Number(given);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  const text = `--broker-port is ${String(given)}: it must be a port between 0 and 65535`;
  throw new OutriggerError("CONFIG_INVALID", text);
}

const DESCRIPTION =
  "Exactly-once, stateful stream processing on plain Kafka, for applications in any language.\n\n" +
  "The sidecar reads the topics, keeps the state and owns the transactions; your application " +
  "connects to it, gets records, and returns results. It may crash at any moment.";

const EXAMPLES = `
Examples:
  outrigger dev                           broker in memory and sidecar, to try things out
  outrigger dev -- node app.js            the same, with an application
  outrigger run --application.id orders --bootstrap.servers kafka:9092 -- node app.js
  outrigger run --config orders.yaml      application started elsewhere
  outrigger check --config orders.yaml -- node app.js
  outrigger describe topology --application.id orders -- node app.js
  outrigger dlq list --config orders.yaml
  outrigger config print --config orders.yaml

Every setting is a flag, an environment variable (OUTRIGGER_COMMIT_INTERVAL_MS) or a line of
a file; see docs/configuration.md.

Exit codes: 0 done, or drained after SIGTERM; 1 failed; 2 command line or configuration wrong,
or a check forbids the start; 70 a bug of ours; 130 stopped by Ctrl-C; 143 SIGTERM before it could
be drained.`;

const RUN =
  "Run a sidecar against bootstrap.servers. With an application, start it, tell it the address " +
  "by OUTRIGGER_ADDRESS, and start it again whenever it ends; signals are passed on.";

const RUN_EXAMPLES = `
Examples:
  outrigger run --application.id orders --bootstrap.servers kafka:9092 -- python app.py
  OUTRIGGER_CONFIG=orders.yaml outrigger run`;

const CHECK =
  "Look at configuration, state directory, brokers, topics, rights, group and offsets, and say what " +
  "forbids exactly-once, what will hurt it and what to do; nothing is changed. With an application, " +
  "start it to learn its topology, and end it. A sidecar checks the same before it starts. Exit code " +
  "2 when something is forbidden, 0 otherwise.";

const CHECK_EXAMPLES = `
Examples:
  outrigger check --config orders.yaml                   without topology
  outrigger check --config orders.yaml -- node app.js    with it
  outrigger check --json --wait --config orders.yaml`;

const DESCRIBE =
  "Print the sub-topologies of an application: its sources, nodes, stores and sinks as Kafka Streams' " +
  "Topology#describe writes them, and the topics that a sidecar makes for them. Each sub-topology has " +
  "a task for each partition of its sources. Starts the application to learn its topology, and ends " +
  "it; no broker is asked.";

const DESCRIBE_EXAMPLES = `
Examples:
  outrigger describe topology --application.id orders -- node app.js
  outrigger describe topology --mermaid --config orders.yaml -- node app.js
  outrigger describe topology --wait --config orders.yaml`;

const DEV =
  "Run an embedded broker and a sidecar on it. Topics that the application names are made where " +
  "they are missing, with 4 partitions. Nothing is kept when it ends. Meant for development: the " +
  "broker lives in memory and proves nothing about a real cluster.";

const TEST_DRIVER =
  "Run the sidecar's kernel over a Kafka in memory, on a clock that stands still, for unit tests: the " +
  "SDKs start it, pipe records in and read what comes out (docs/testing-your-app.md). The first line " +
  "of its output is JSON with the address. It keeps nothing, and ends with its standard input.";
