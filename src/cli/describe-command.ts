import { loadConfig } from "../config/load.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { askApplication, waitForTopology } from "./ask-application.ts";
import { EXIT } from "./exit-codes.ts";
import { logOf, type World } from "./world.ts";

export interface DescribeArguments {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly file: string | undefined;
  /** Started for its topology, and ended again; empty for none. */
  readonly application: readonly string[];
  /** Waits for an application that is started elsewhere. */
  readonly wait: boolean;
  readonly asMermaid: boolean;
}

/** `outrigger describe topology`: what the application would run. No broker is asked. */
export async function describeTopology(world: World, args: DescribeArguments): Promise<number> {
  const { flags, file, application, wait, asMermaid } = args;
  if (application.length === 0 && !wait) {
    const text =
      "which application? Give its command after --, or --wait for one started elsewhere";
    throw new OutriggerError("CONFIG_INVALID", text);
  }
  const loaded = loadConfig({
    ...{ flags, env: world.env, file },
    presets: { "bootstrap.servers": "none:9092", "application.id": "app", "log.level": "warn" },
  });
  const { config } = loaded;
  const log = logOf(world, config, loaded);
  const { declared } =
    application.length === 0
      ? await waitForTopology(world, config, log)
      : await askApplication(world, config, log, application);
  const { drawTopology } = await import("../checkup.ts");
  world.say(drawTopology(declared, config.applicationId, asMermaid ? "mermaid" : "text"));
  return EXIT.ok;
}
