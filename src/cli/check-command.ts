import { type Finding, finding, sorted } from "../checks/finding.ts";
import { isForbidden, reportJson, reportText } from "../checks/report.ts";
import type { Config } from "../config/config.ts";
import { ConfigFaults, type LoadedConfig } from "../config/resolve.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Programs } from "../model/topology.ts";
import type { Log } from "../ports/log.ts";
import { askApplication, waitForTopology } from "./ask-application.ts";
import { EXIT } from "./exit-codes.ts";
import { logOf, type World } from "./world.ts";

export interface CheckArguments {
  readonly load: () => LoadedConfig;
  /** Started for its topology, and ended again; empty for none. */
  readonly application: readonly string[];
  /** Waits for an application that is started elsewhere. */
  readonly wait: boolean;
  readonly asJson: boolean;
}

/**
 * `outrigger check`: everything that would keep a sidecar from exactly-once, or hurt it later.
 * Returns 2 when something is forbidden, 0 otherwise; throws when no broker answers.
 */
export async function check(world: World, args: CheckArguments): Promise<number> {
  const findings: Finding[] = [];
  let topology: "told" | "unknown" = "unknown";
  const config = configOf(args.load, findings);
  if (config !== null) {
    // Loaded here, so that `--help` answers without Kafka, RocksDB and gRPC.
    const { checkUp } = await import("../checkup.ts");
    const log = logOf(world, config);
    const programs = await programsOf(world, config, log, args, findings);
    if (programs !== null) topology = "told";
    findings.push(...(await checkUp(config, programs, log)));
  }
  const report = { findings: sorted(findings), topology };
  world.say(args.asJson ? reportJson(report) : reportText(report));
  return isForbidden(report) ? EXIT.usage : EXIT.ok;
}

function configOf(load: () => LoadedConfig, findings: Finding[]): Config | null {
  try {
    return load().config;
  } catch (thrown: unknown) {
    if (!(thrown instanceof ConfigFaults)) throw thrown;
    findings.push(
      ...thrown.faults.map((fault) =>
        finding("configuration", {
          subject: "the configuration",
          problem: fault,
          consequence: "nothing starts",
          remedy: "set what is said there; docs/configuration.md lists every key",
        }),
      ),
    );
    return null;
  }
}

async function programsOf(
  world: World,
  config: Config,
  log: Log,
  { application, wait }: CheckArguments,
  findings: Finding[],
): Promise<Programs | null> {
  if (application.length === 0 && !wait) return null;
  try {
    const { programs } =
      application.length === 0
        ? await waitForTopology(world, config, log)
        : await askApplication(world, config, log, application);
    return programs;
  } catch (thrown: unknown) {
    const isTopology = thrown instanceof OutriggerError && thrown.code.startsWith("TOPOLOGY_");
    if (!isTopology) throw thrown;
    findings.push(
      finding("topology", {
        subject: "the topology",
        code: thrown.code,
        problem: thrown.message,
        consequence: "the application is turned away",
        remedy: "mend the topology; what needs it was not checked",
      }),
    );
    return null;
  }
}
