import { join } from "node:path";
import { checkCluster } from "./checks/check.ts";
import { changelogsOf, controlsOf, outputsOf, subscriptionOf } from "./checks/expected.ts";
import { type Finding, finding, sorted } from "./checks/finding.ts";
import type { Config } from "./config/config.ts";
import { securityOf } from "./config/security.ts";
import { OutriggerError } from "./errors/outrigger-error.ts";
import { connectKafka, type Kafka, type KafkaOptions } from "./kafka/client.ts";
import { expectedOf } from "./kernel-limits.ts";
import type { Denial } from "./model/cluster-facts.ts";
import type { DeclaredTopology, Programs } from "./model/topology.ts";
import type { Log } from "./ports/log.ts";
import { declareTopology } from "./runtime/declared.ts";
import { createApplicationServer } from "./server/server.ts";
import { type DirectoryLook, lookAtStateDirectory } from "./stores/look-at-directory.ts";
import { pictureOf } from "./topology/describe.ts";
import { pictureMermaid, pictureText } from "./topology/draw.ts";
import { internalTopics } from "./topology/internal-topics.ts";
import { partitionCounts } from "./topology/partition-counts.ts";

export function kafkaOptions(config: Config, log: Log): KafkaOptions {
  return {
    bootstrapServers: config.bootstrapServers,
    clientId: config.clientId,
    groupId: config.applicationId,
    transactionTimeoutMs: config.transactionTimeoutMs,
    compression: config.compressionType,
    security: securityOf(config),
    log,
    limits: {
      requestTimeoutMs: config.requestTimeoutMs,
      metadataMaxAgeMs: config.metadataMaxAgeMs,
      connectionsMaxIdleMs: config.connectionsMaxIdleMs,
      fetchWaitMaxMs: config.fetchMaxWaitMs,
      fetchBytesMin: config.fetchMinBytes,
      fetchBytesMax: config.fetchMaxBytes,
      partitionFetchBytesMax: config.maxPartitionFetchBytes,
    },
  };
}

/** A longer look than before a start: brokers that are slow to answer are waited for. */
const TIMEOUT_MS = 30_000;
/** Who checks wants to know soon that no broker answers. */
const CONNECT_WAIT_MS = 5_000;

/**
 * Looks at everything that a sidecar of this configuration would stand on, and changes nothing.
 * Without programs, topics are those that the group has committed and the changelogs by their
 * names. Rejects with BROKER_UNAVAILABLE when no broker answers.
 */
export async function checkUp(
  config: Config,
  programs: Programs | null,
  log: Log,
): Promise<readonly Finding[]> {
  const look = await lookAtStateDirectory(
    join(config.stateDir, config.applicationId),
    config.processId,
  );
  const kafka = await connect(config, log);
  if (!("admin" in kafka)) return sorted([...stateFindings(look), kafka]);
  try {
    const facts = await kafka.inspector.inspect(
      {
        groupId: config.applicationId,
        transactionalId: `${config.applicationId}-${look.processId ?? "check"}-0`,
        sources: programs === null ? "found" : subscriptionOf(programs),
        sinks: programs === null ? [] : describedOf(programs, config),
        changelogs: programs === null ? "found" : changelogsOf(programs),
        thorough: true,
      },
      AbortSignal.timeout(TIMEOUT_MS),
    );
    const expected = { ...expectedOf(config), programs };
    const denied = programs === null ? [] : await creationFindings(kafka, config, programs, facts);
    const known = {
      ...facts,
      denied: [...facts.denied, ...denied.flatMap(({ denial }) => denial)],
    };
    const refused = denied.flatMap(({ refusal }) => refusal);
    return sorted([...stateFindings(look), ...refused, ...checkCluster(known, expected)]);
  } finally {
    await kafka.close();
  }
}

function describedOf(programs: Programs, config: Config): string[] {
  const outputs = outputsOf(programs, config.errorsDeadLetterQueueTopicName);
  return [...outputs, ...controlsOf(programs)];
}

/** For a command that somebody waits for: it does not wait long for a first broker. */
export function commandOptions(config: Config, log: Log): KafkaOptions {
  return { ...kafkaOptions(config, log), connectWaitMs: CONNECT_WAIT_MS };
}

async function connect(config: Config, log: Log): Promise<Kafka | Finding> {
  try {
    return await connectKafka(commandOptions(config, log));
  } catch (thrown: unknown) {
    if (!(thrown instanceof OutriggerError) || thrown.code !== "BROKER_INCOMPATIBLE") throw thrown;
    return finding("broker.version", {
      subject: "the cluster",
      problem: thrown.message,
      consequence: "the sidecar cannot speak to it",
      remedy: "upgrade the brokers to Kafka 4.0 or later",
    });
  }
}

function stateFindings({ error }: DirectoryLook): Finding[] {
  if (error === null) return [];
  if (error.code === "STORE_CORRUPTED") {
    return [
      finding("state.directory", {
        severity: "warning",
        subject: "the state directory",
        code: error.code,
        problem: error.message,
        consequence:
          "a sidecar that starts here takes a new process id; where its predecessor was killed, that " +
          "one's partitions are free only after its session",
        remedy: "nothing, or look at the disk; check has changed nothing",
      }),
    ];
  }
  return [
    finding("state.directory", {
      subject: "the state directory",
      code: error.code,
      problem: error.message,
      consequence: "a sidecar cannot start here",
      remedy: "stop the other process, or give this one a state.dir of its own",
    }),
  ];
}

interface CreationLook {
  readonly denial: readonly Denial[];
  readonly refusal: readonly Finding[];
}

/** Internal topics that are still to be made: asks whether they could be. */
async function creationFindings(
  { admin }: Kafka,
  config: Config,
  programs: Programs,
  { topics, brokers, denied }: Parameters<typeof checkCluster>[0],
): Promise<CreationLook[]> {
  const counts = partitionCounts(programs, (name) => topics.get(name)?.partitions.length);
  const replicas = Math.min(config.replicationFactor, brokers.length);
  const isHidden = (name: string) => denied.some((each) => each.name === name);
  const recordBytesMax = config.producerMaxRequestSize;
  const fresh = internalTopics(programs, counts, replicas, recordBytesMax).filter(
    ({ name }) => !topics.has(name) && !isHidden(name),
  );
  return [...(await admin.refusals(fresh))].map(([name, reason]) => {
    if (/authoriz/i.test(reason)) {
      return { denial: [{ resource: "topic", name, operation: "Create" }], refusal: [] };
    }
    const refusal = finding("topic.missing", {
      subject: `topic ${name}`,
      code: "BROKER_REFUSED",
      problem: `the internal topic ${name} does not exist and could not be created (${reason})`,
      consequence: "nothing can be processed",
      remedy: "mend what the brokers object to, or create it yourself with cleanup.policy=compact",
    });
    return { denial: [], refusal: [refusal] };
  });
}

/** The topology for a person to look at: as text, or for Mermaid. */
export function drawTopology(
  declared: DeclaredTopology,
  applicationId: string,
  as: "text" | "mermaid",
): string {
  const picture = pictureOf(declared, applicationId);
  return as === "mermaid" ? pictureMermaid(picture) : pictureText(picture);
}

export interface TopologyOptions {
  readonly log: Log;
  readonly version: string;
  /** Called once applications can connect. */
  readonly onListening: (address: string, token: string | null) => void;
}

/**
 * Waits for an application to say what it would run; it is told nothing and gets no record. Rejects
 * with TOPOLOGY_INVALID, TOPOLOGY_MISMATCH, or the reason of `signal`.
 */
export async function learnTopology(
  config: Config,
  options: TopologyOptions,
  signal: AbortSignal,
): Promise<{
  readonly programs: Programs;
  readonly declared: DeclaredTopology;
  close(): Promise<void>;
}> {
  let told: (learnt: { programs: Programs; declared: DeclaredTopology }) => void = () => {};
  let failed: (error: unknown) => void = () => {};
  const topology = new Promise<Parameters<typeof told>[0]>((resolve, reject) => {
    told = resolve;
    failed = reject;
  });
  signal.addEventListener("abort", () => failed(signal.reason), { once: true });
  const server = await createApplicationServer(
    {
      address: config.serverAddress,
      token: config.serverToken,
      directory: join(config.stateDir, config.applicationId),
      applicationId: config.applicationId,
      sidecarVersion: options.version,
      maxFrameBytes: config.maxFrameBytes,
      log: options.log,
    },
    {
      connected: (_, hello) => {
        try {
          const parks = config.parkedEnable === "true";
          const { programs } = declareTopology(hello, config.applicationId, null, parks);
          told({ programs, declared: hello.topology });
        } catch (error: unknown) {
          failed(error);
        }
      },
      disconnected: () => {},
      answered: () => {},
      handedBack: () => {},
      asked: () => {},
      credited: () => {},
    },
  );
  try {
    options.onListening(server.address, config.serverToken);
    return { ...(await topology), close: () => server.close() };
  } catch (error: unknown) {
    await server.close();
    throw error;
  }
}
