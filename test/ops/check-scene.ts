import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs, { type Admin, type ITopicConfig, type Kafka } from "kafkajs";
import type { FindingName } from "../../src/checks/catalogue.ts";
import type { Finding } from "../../src/checks/finding.ts";
import { checkUp } from "../../src/checkup.ts";
import { configFrom } from "../../src/config/resolve.ts";
import type { Program, Programs } from "../../src/model/topology.ts";
import type { Log } from "../../src/ports/log.ts";
import { hookProgram } from "../../src/topology/hooks.ts";
import { eventually } from "../support/sidecar-process.ts";
import { kafkaAt } from "../support/topics.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** An application with an input, an output and a store, and what is wrong with its cluster. */
export class CheckScene {
  readonly id: string;
  readonly source: string;
  readonly sink: string;
  readonly changelog: string;
  readonly stateDir: string;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly #bootstrapServers: string;

  constructor(id: string, bootstrapServers: string, admin: Admin) {
    this.id = id;
    this.source = `${id}-in`;
    this.sink = `${id}-out`;
    this.changelog = `${id}-counts-changelog`;
    this.stateDir = mkdtempSync(join(tmpdir(), "outrigger-check-"));
    this.kafka = kafkaAt(bootstrapServers);
    this.admin = admin;
    this.#bootstrapServers = bootstrapServers;
  }

  get program(): Program {
    return {
      subtopology: 0,
      frame: { source: 0, stage: 0 },
      sources: [this.source],
      sourceNodes: [{ topics: [this.source] }],
      steps: [
        {
          kind: "stage",
          feeds: [{ from: "source", source: 0 }],
          stage: {
            index: 0,
            entries: ["process"],
            stores: [{ store: 0, windows: null }],
            exits: [{ kind: "topic", node: "to", topic: this.sink, isHook: false }],
          },
        },
      ],
      oneByOne: false,
      stores: [{ name: "counts", kind: "keyValue", changelogTopic: this.changelog }],
      parking: null,
      hook: null,
    };
  }

  /** Where the requests of a hook `mail` are. */
  get hookTopic(): string {
    return `${this.id}-mail-hook`;
  }

  /** The same with a hook. */
  get hooked(): Programs {
    return [this.program, hookProgram("mail", this.hookTopic, 1)];
  }

  /** Makes topics with 2 partitions, each with the configuration given, if any. */
  async topics(configs: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<void> {
    const topics: ITopicConfig[] = Object.entries(configs).map(([topic, settings]) => ({
      topic,
      numPartitions: Number(settings["partitions"] ?? 2),
      configEntries: Object.entries(settings)
        .filter(([name]) => name !== "partitions")
        .map(([name, value]) => ({ name, value })),
    }));
    await this.admin.createTopics({ topics, waitForLeaders: true });
  }

  /** The usual three topics, as a sidecar wants them, with changes. */
  async usual(changes: {
    readonly source?: Readonly<Record<string, string>>;
    readonly sink?: Readonly<Record<string, string>>;
    readonly changelog?: Readonly<Record<string, string>> | null;
  }): Promise<void> {
    const { source = {}, sink = {}, changelog = {} } = changes;
    await this.topics({
      [this.source]: { "retention.ms": "-1", ...source },
      [this.sink]: sink,
      ...(changelog === null
        ? {}
        : { [this.changelog]: { "cleanup.policy": "compact", ...changelog } }),
    });
  }

  /** Allows everything on a resource but one operation; without rules everything is allowed. */
  async deny(resource: keyof typeof RESOURCES, name: string, operation: string): Promise<void> {
    const entry = (code: number, permission: number) => ({
      resourceType: RESOURCES[resource],
      resourceName: name,
      resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
      principal: "User:ANONYMOUS",
      host: "*",
      operation: code,
      permissionType: permission,
    });
    const { ALLOW, DENY } = kafkajs.AclPermissionTypes;
    const acl = [
      entry(kafkajs.AclOperationTypes.ALL, ALLOW),
      entry(OPERATIONS[operation] ?? 0, DENY),
    ];
    await this.admin.createAcls({ acl });
  }

  /** Runs the check as the command does. */
  check(
    topology: Program | Programs | null = this.program,
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<readonly Finding[]> {
    const config = configFrom({
      "application.id": this.id,
      "bootstrap.servers": this.#bootstrapServers,
      "replication.factor": 1,
      "state.dir": this.stateDir,
      ...settings,
    });
    const isOne = topology !== null && "sources" in topology;
    return checkUp(config, isOne ? [topology] : topology, silent);
  }

  /** Waits until the check finds it: rules and offsets take a moment to reach every part. */
  async finds(
    name: FindingName,
    problem: RegExp,
    check: () => Promise<readonly Finding[]> = () => this.check(),
  ): Promise<Finding> {
    let all: readonly Finding[] = [];
    let found: Finding | undefined;
    await eventually(
      `a finding ${name} of ${problem}`,
      async () => {
        all = await check();
        found = all.find((each) => each.name === name && problem.test(each.problem));
        return found !== undefined;
      },
      [],
      15_000,
    ).catch((error: unknown) => {
      throw new Error(`found only ${JSON.stringify(all, null, 1)}`, { cause: error });
    });
    if (found === undefined) throw new Error("it was found and lost");
    return found;
  }

  remove(): void {
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

const RESOURCES = {
  topic: kafkajs.AclResourceTypes.TOPIC,
  group: kafkajs.AclResourceTypes.GROUP,
  cluster: kafkajs.AclResourceTypes.CLUSTER,
  transactionalId: kafkajs.AclResourceTypes.TRANSACTIONAL_ID,
} as const;

const OPERATIONS: Readonly<Record<string, number>> = {
  Read: kafkajs.AclOperationTypes.READ,
  Write: kafkajs.AclOperationTypes.WRITE,
  Create: kafkajs.AclOperationTypes.CREATE,
  Delete: kafkajs.AclOperationTypes.DELETE,
  Describe: kafkajs.AclOperationTypes.DESCRIBE,
  DescribeConfigs: kafkajs.AclOperationTypes.DESCRIBE_CONFIGS,
};

/** Names a right and the command that grants it. */
export function assertGrant(found: Finding, operation: string, on: string): void {
  const command = `--allow-principal User:ANONYMOUS --operation ${operation} ${on}`;
  if (!found.remedy.includes(command)) throw new Error(`${found.remedy} lacks ${command}`);
}
