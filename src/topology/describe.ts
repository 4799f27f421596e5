import type { DeclaredNode, DeclaredTopology, Windows } from "../model/topology.ts";
import { Faults } from "./faults.ts";
import { type GraphNode, linkNodes } from "./graph.ts";
import { hooksOf } from "./hooks.ts";
import { changelogTopic, hookTopic, timersStore, timersTopic } from "./names.ts";
import { type Subtopology, subtopologiesOf } from "./subtopologies.ts";
import { isTimed } from "./timers.ts";
import { storesOf } from "./validate.ts";

/** A topology as a person looks at it: what runs as one task, and the topics between. */
export interface Picture {
  readonly parts: readonly PicturePart[];
}

export interface PicturePart {
  /** The number in task ids. */
  readonly subtopology: number;
  readonly nodes: readonly PictureNode[];
}

export interface PictureNode {
  readonly name: string;
  readonly kind: "source" | "processor" | "sink";
  /** What it does, in a word or two; empty for what its kind says. */
  readonly does: string;
  /** Whether the application's code runs. */
  readonly isCode: boolean;
  /** Read by a source, written by a sink. */
  readonly topics: readonly PictureTopic[];
  readonly stores: readonly { readonly name: string; readonly changelog: string }[];
  readonly parents: readonly string[];
  readonly children: readonly string[];
}

export interface PictureTopic {
  /** A topic's name, or what a pattern matches. */
  readonly name: string;
  /** Made and kept by the sidecar. */
  readonly isInternal: boolean;
  /** Of a repartition that says how many partitions it has; else 0. */
  readonly partitions: number;
}

/** Of a topology that compiles: the same parts with the same numbers. */
export function pictureOf(declared: DeclaredTopology, applicationId: string): Picture {
  const faults = new Faults();
  const graph = linkNodes(declared, faults);
  faults.throwIfAny();
  if (graph === null) return { parts: [] };
  const subtopologies = subtopologiesOf(declared, graph, applicationId, faults);
  faults.throwIfAny();
  const partitions = new Map(
    subtopologies.flatMap(({ reads }) => reads.map((each) => [each.topic, each.partitions])),
  );
  const timed = declared.nodes.filter(isTimed).map(({ name }) => timersTopic(applicationId, name));
  const painter = { applicationId, partitions, timers: new Set(timed) };
  const hooks = hooksOf(declared).map(({ name }, index): PicturePart => {
    const topics = [{ name: hookTopic(applicationId, name), isInternal: true, partitions: 0 }];
    const source = `${name}-source`;
    return {
      subtopology: subtopologies.length + index,
      nodes: [
        { ...NOTHING, name: source, kind: "source", topics, children: [name] },
        { ...NOTHING, name, kind: "processor", does: "hook", isCode: true, parents: [source] },
      ],
    };
  });
  return { parts: [...subtopologies.map((part, index) => partOf(part, index, painter)), ...hooks] };
}

interface Painter {
  readonly applicationId: string;
  readonly partitions: ReadonlyMap<string, number>;
  /** Topics of what has fired. */
  readonly timers: ReadonlySet<string>;
}

const NOTHING = { does: "", isCode: false, topics: [], stores: [], parents: [], children: [] };

function partOf({ graph }: Subtopology, subtopology: number, painter: Painter): PicturePart {
  const nodes = graph.nodes.filter(isDrawn).map((node) => nodeOf(node, painter));
  return { subtopology, nodes };
}

/** A repartition that several aggregates read is written once. */
function isDrawn({ declared }: GraphNode): boolean {
  return declared.kind !== "sink" || declared.shares !== true;
}

function nodeOf({ declared, parents, children }: GraphNode, painter: Painter): PictureNode {
  const { applicationId } = painter;
  const timers = isTimed(declared) ? [timersStore(declared.name)] : [];
  const stores = [...storesOf(declared), ...timers].map((name) => {
    return { name, changelog: changelogTopic(applicationId, name) };
  });
  return {
    ...NOTHING,
    name: nameOf(declared, painter),
    kind: kindOf(declared),
    does: workOf(declared),
    isCode: isCode(declared),
    topics: topicsOf(declared, painter),
    stores,
    parents: parents.map((parent) => nameOf(parent.declared, painter)),
    children: children.filter(isDrawn).map((child) => nameOf(child.declared, painter)),
  };
}

/** Of a sink before an aggregate, which has the aggregate's own, as Kafka Streams would call it. */
function nameOf(node: DeclaredNode, { applicationId, partitions }: Painter): string {
  const isMoved = node.kind === "sink" && partitions.has(node.topic);
  return isMoved ? `${node.topic.slice(applicationId.length + 1)}-sink` : node.name;
}

function kindOf({ kind }: DeclaredNode): PictureNode["kind"] {
  if (kind === "source") return "source";
  const isProcessor = kind === "function" || kind === "aggregate" || kind === "suppress";
  return isProcessor ? "processor" : "sink";
}

function isCode(node: DeclaredNode): boolean {
  return (
    node.kind === "function" || (node.kind === "aggregate" && node.aggregator === "application")
  );
}

function workOf(node: DeclaredNode): string {
  if (node.kind === "function") return node.operation;
  if (node.kind === "hook") return "asks a hook";
  if (node.kind === "suppress") {
    const { until } = node;
    const end = until.kind === "timeLimit" ? `for ${until.waitMs} ms` : "until windows close";
    return `suppress ${end}`;
  }
  if (node.kind !== "aggregate") return "";
  const name = node.aggregator === "application" ? "aggregate" : node.aggregator;
  const emits = node.emit === undefined ? "" : `, ${EMITS[node.emit]}`;
  return `${node.windows === null ? name : `${name}, ${windowsText(node.windows)}`}${emits}`;
}

const EMITS = { onWindowClose: "on window close", onCommit: "on commit" } as const;

function windowsText(windows: Windows): string {
  switch (windows.kind) {
    case "time":
      return windows.advanceMs === windows.sizeMs
        ? `tumbling windows of ${windows.sizeMs} ms`
        : `windows of ${windows.sizeMs} ms each ${windows.advanceMs} ms`;
    case "sliding":
      return `sliding windows of ${windows.differenceMs} ms`;
    case "session":
      return `sessions with a gap of ${windows.gapMs} ms`;
  }
}

function topicsOf(node: DeclaredNode, painter: Painter): PictureTopic[] {
  const { applicationId, partitions } = painter;
  const known = (name: string): PictureTopic => {
    const isInternal = partitions.has(name) || painter.timers.has(name);
    return { name, isInternal, partitions: partitions.get(name) ?? 0 };
  };
  if (node.kind === "sink") return [known(node.topic)];
  if (node.kind === "hook") {
    return [{ name: hookTopic(applicationId, node.name), isInternal: true, partitions: 0 }];
  }
  if (node.kind !== "source") return [];
  if (node.pattern === undefined) return node.topics.map(known);
  return [{ name: `topics like ${node.pattern}`, isInternal: false, partitions: 0 }];
}
