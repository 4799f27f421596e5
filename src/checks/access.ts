import type { Denial, Operation } from "../model/cluster-facts.ts";
import type { Scene } from "./expected.ts";
import { type Finding, finding } from "./finding.ts";

/** Rights that are missing, each with the command that grants it. */
export function accessFindings(scene: Scene): Finding[] {
  const { facts } = scene;
  const unread = facts.denied.filter(({ operation }) => operation === "DescribeConfigs");
  const needed = facts.denied.filter(({ operation }) => operation !== "DescribeConfigs");
  const all = [...needed, ...lacking(scene)];
  const denied = all.filter((each, index) => all.findIndex((other) => same(each, other)) === index);
  return [
    ...denied.map((denial) => refused(scene, denial)),
    ...unread.map((denial) => incomplete(scene, denial)),
    ...facts.unread.map((what) =>
      finding("check.incomplete", {
        subject: "this check",
        problem: `not looked at: ${what}`,
        consequence: "what is wrong there is not found",
        remedy: "mend that, and check again",
      }),
    ),
  ];
}

function same(a: Denial, b: Denial): boolean {
  return a.resource === b.resource && a.name === b.name && a.operation === b.operation;
}

/** What the brokers tell of our rights, against what is needed. */
function lacking({ facts, expected, hooks, repartitions, ...scene }: Scene): Denial[] {
  const of = (names: readonly string[], operations: readonly Operation[]) =>
    names.flatMap((name) => {
      const granted = facts.topics.get(name)?.operations ?? null;
      if (granted === null) return [];
      return operations
        .filter((operation) => !granted.has(operation))
        .map((operation) => ({ resource: "topic", name, operation }) as const);
    });
  const { operations } = facts.group;
  const group =
    operations === null || operations.has("Read")
      ? []
      : [{ resource: "group", name: expected.applicationId, operation: "Read" } as const];
  return [
    ...of(scene.sources, ["Read"]),
    ...of(scene.sinks, ["Write"]),
    ...of([...scene.changelogs, ...hooks, ...repartitions], ["Read", "Write"]),
    ...of(scene.controls, ["Read"]),
    ...group,
  ];
}

function refused(scene: Scene, { resource, name, operation }: Denial): Finding {
  return finding("access.denied", {
    subject: `${resource} ${name}`,
    problem: `${scene.expected.principal} lacks the right ${operation} on the ${resource} ${name}`,
    consequence: "what needs it is refused while records are processed, or before",
    remedy: grant(scene, resource, name, [operation]),
  });
}

function incomplete(scene: Scene, { resource, name, operation }: Denial): Finding {
  return finding("check.incomplete", {
    subject: `${resource} ${name}`,
    problem: `not looked at: the configuration of the ${resource} ${name}, for want of ${operation}`,
    consequence: "what is wrong there is not found",
    remedy: grant(scene, resource, name, [operation]),
  });
}

function grant(
  { expected }: Scene,
  resource: Denial["resource"],
  name: string,
  operations: readonly Operation[],
): string {
  const on = resource === "cluster" ? "--cluster" : `--${resource} ${name}`;
  const rights = operations.map((operation) => `--operation ${operation}`).join(" ");
  return (
    `grant it: \`kafka-acls.sh --bootstrap-server ${expected.bootstrapServers} --add ` +
    `--allow-principal ${expected.principal} ${rights} ${on}\`, unless an ACL denies it`
  );
}
