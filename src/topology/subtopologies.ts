import type {
  DeclaredNode,
  DeclaredTopology,
  Operation,
  RepartitionTopic,
} from "../model/topology.ts";
import { type Faults, nodeAt } from "./faults.ts";
import { type Graph, type GraphNode, linkNodes } from "./graph.ts";
import { repartitionTopic } from "./names.ts";
import { type Piece, partsOf } from "./parts.ts";
import { withTimerSource } from "./timers.ts";
import { storesOf } from "./validate.ts";
import { validateRepartitions } from "./validate-repartitions.ts";

/** A part of the topology with tasks of its own, as if it had been declared alone. */
export interface Subtopology {
  readonly declared: DeclaredTopology;
  readonly graph: Graph;
  /** Topics that it reads and a sub-topology writes. */
  readonly reads: readonly RepartitionTopic[];
  /** What it writes for another sub-topology: Kafka Streams repartitions no record without a key. */
  readonly keyedTopics: ReadonlySet<string>;
}

/** Where the graph is cut: what enters `node` is written to the topic, and read again. */
export interface Cut extends Omit<RepartitionTopic, "writtenBy"> {
  /** The name that the topic was given, by itself. */
  readonly name: string;
  readonly source: string;
  readonly isAggregate: boolean;
  /** Of the same topic as a cut before it: what enters both is the same. */
  readonly isShared: boolean;
}

/**
 * Cuts the declared graph into sub-topologies, as Kafka Streams does: at each repartition node, and
 * before each aggregate that is fed by what may have changed the key. What then hangs together, by an
 * edge or a store, is one of them. They are numbered from the sources on: who writes a topic stands
 * before who reads it, and else the one that was declared first.
 */
export function subtopologiesOf(
  declared: DeclaredTopology,
  graph: Graph,
  applicationId: string,
  faults: Faults,
): Subtopology[] {
  const before = faults.count;
  const cuts = cutsOf(graph, applicationId);
  const topics = [...cuts.values()].filter(({ isShared }) => !isShared);
  validateRepartitions(graph, topics, faults);
  const pieces = piecesOf(graph, cuts, applicationId);
  const parts = partsOf(pieces);
  validateCircles(parts, topics, faults);
  if (faults.count > before) return [];
  return parts.flatMap((part): Subtopology[] => {
    const nodes = part.map(({ declared: node }) => node);
    const own = part.flatMap(({ stores }) => stores);
    const stores = declared.stores.filter(({ name }) => own.includes(name));
    const linked = linkNodes({ nodes, stores }, faults);
    if (linked === null) return [];
    const writes = topics.filter((cut) => writerOf(parts, cut) === part);
    return [
      {
        declared: { nodes, stores },
        graph: linked,
        reads: topics.flatMap((cut) =>
          readerOf(parts, cut) === part ? [topicOf(parts, cut)] : [],
        ),
        keyedTopics: new Set(writes.map(({ topic }) => topic)),
      },
    ];
  });
}

/** By the name of the node that is entered. */
function cutsOf({ nodes }: Graph, applicationId: string): Map<string, Cut> {
  const cuts = new Map<string, Cut>();
  const renewed = new Set<GraphNode>();
  const named = new Set<string>();
  for (const node of nodes) {
    const { declared } = node;
    const isFed = node.parents.some((parent) => renewed.has(parent));
    if (mayRenewKeys(declared, isFed)) renewed.add(node);
    const add = (name: string, partitions: number, isAggregate: boolean): void => {
      const topic = repartitionTopic(applicationId, name);
      const source = `${name}-repartition-source`;
      cuts.set(declared.name, {
        topic,
        node: declared.name,
        partitions,
        name,
        source,
        isAggregate,
        isShared: isAggregate && sharesRepartition(node, named),
      });
    };
    if (declared.kind === "repartition") add(declared.name, declared.partitions, false);
    if (declared.kind !== "aggregate" || !isFed) continue;
    add(declared.repartition ?? declared.store, 0, true);
  }
  return cuts;
}

/**
 * Whether an aggregate before it has the same name for its repartition, and the same parents: then both fold
 * what was grouped once, as in Kafka Streams, and one topic is enough.
 */
function sharesRepartition({ declared, parents }: GraphNode, named: Set<string>): boolean {
  if (declared.kind !== "aggregate" || declared.repartition === undefined) return false;
  const above = parents.map(({ declared: { name } }) => name).sort();
  const grouped = [declared.repartition, ...above].join(" ");
  const isKnown = named.has(grouped);
  named.add(grouped);
  return isKnown;
}

const KEY_CHANGERS: ReadonlySet<Operation> = new Set(["process", "map", "selectKey", "flatMap"]);

/**
 * Whether rows that leave the node may have other keys than those of the topic they came from. An
 * aggregate's have the keys of its store, and those were in their partition before.
 */
function mayRenewKeys(node: DeclaredNode, isFed: boolean): boolean {
  return node.kind === "function" && (isFed || KEY_CHANGERS.has(node.operation));
}

/** The nodes, with a sink and a source in the place of each cut. */
function piecesOf(
  { nodes }: Graph,
  cuts: ReadonlyMap<string, Cut>,
  applicationId: string,
): Piece[] {
  const sourceOf = (parent: string): string => {
    const cut = cuts.get(parent);
    return cut === undefined || cut.isAggregate ? parent : cut.source;
  };
  return nodes.flatMap(({ declared: node }): Piece[] => {
    const parents = node.parents.map(sourceOf);
    const cut = cuts.get(node.name);
    if (cut === undefined) {
      return withTimerSource({ ...node, parents }, applicationId).map(pieceOf);
    }
    const { topic, source } = cut;
    const sink: DeclaredNode = { name: node.name, parents, kind: "sink", topic };
    const below = pieceOf({ ...node, parents: [source] });
    if (cut.isShared) return [pieceOf({ ...sink, shares: true }), below];
    const read: DeclaredNode = { name: source, parents: [], kind: "source", topics: [topic] };
    if (!cut.isAggregate) return [pieceOf(sink), pieceOf(read)];
    return [pieceOf(sink), pieceOf(read), below];
  });
}

function pieceOf(declared: DeclaredNode): Piece {
  return { declared, stores: storesOf(declared) };
}

type Part = readonly Piece[];

function writerOf(parts: readonly Part[], { topic }: Cut): Part | undefined {
  return parts.find((part) => part.some(({ declared }) => isSinkOf(declared, topic)));
}

function isSinkOf(node: DeclaredNode, topic: string): boolean {
  return node.kind === "sink" && node.topic === topic;
}

function readerOf(parts: readonly Part[], { source }: Cut): Part | undefined {
  return parts.find((part) => part.some(({ declared }) => declared.name === source));
}

function topicOf(parts: readonly Part[], cut: Cut): RepartitionTopic {
  const { topic, node, partitions } = cut;
  const writer = writerOf(parts, cut);
  return { topic, node, partitions, writtenBy: writer === undefined ? 0 : parts.indexOf(writer) };
}

/** A stage names what leaves it by the node that takes it, which then must not be in it. */
function validateCircles(parts: readonly Part[], cuts: readonly Cut[], faults: Faults): void {
  for (const cut of cuts) {
    if (!cut.isAggregate || writerOf(parts, cut) !== readerOf(parts, cut)) continue;
    const text = "it hangs together with the nodes above its repartition, by a store or by a merge";
    const remedy = "put a repartition before it, or give each side a store of its own";
    faults.add(nodeAt(cut.node), `${text}: ${remedy}`);
  }
}
