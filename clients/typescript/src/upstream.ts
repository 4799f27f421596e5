import type { Serde } from "./serdes.ts";
import type { KStream } from "./streams.ts";
import type { Serdes, TopologyBuilder } from "./topology.ts";

/** How the records of a stream are written: null, not known, behind code that may change the type. */
export interface KnownSerdes {
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
}

/** Where a stream comes from: what follows it is declared under these nodes. */
export interface Upstream {
  readonly builder: TopologyBuilder;
  /** One, or behind `merge` several. */
  readonly nodes: readonly string[];
  readonly serdes: KnownSerdes;
}

/** Makes a stream of what comes from there. */
export type StreamOf = <K, V>(upstream: Upstream) => KStream<K, V>;

/** With what is not known taken from the application's defaults. */
export function serdesOf({ builder, serdes }: Pick<Upstream, "builder" | "serdes">): Serdes {
  return builder.serdes(serdes);
}

/** What was named, and what the stream has for what was not. */
export function withSerdes(
  upstream: Upstream,
  { key, value }: { readonly key?: unknown; readonly value?: unknown },
): Upstream {
  const serdes = {
    key: (key as Serde<unknown> | undefined) ?? upstream.serdes.key,
    value: (value as Serde<unknown> | undefined) ?? upstream.serdes.value,
  };
  return { ...upstream, serdes };
}

/** Both streams in one. Throws where a node is in both, or their serdes are known and differ. */
export function merged(left: Upstream, right: Upstream): Upstream {
  if (left.builder !== right.builder)
    throw new Error("streams of two applications cannot be merged");
  const twice = left.nodes.find((node) => right.nodes.includes(node));
  if (twice !== undefined) {
    throw new Error(`the records of "${twice}" would be in the merged stream twice`);
  }
  const serdes = {
    key: agreed("key", left, right),
    value: agreed("value", left, right),
  };
  return { ...left, nodes: [...left.nodes, ...right.nodes], serdes };
}

function agreed(
  what: "key" | "value",
  { serdes: left, nodes }: Upstream,
  { serdes: right, nodes: others }: Upstream,
): Serde<unknown> | null {
  const [one, two] = [left[what], right[what]];
  if (one === null || two === null || one === two) return one ?? two;
  throw new Error(
    `merged streams have the same ${what} serde, those of "${nodes.join('", "')}" and ` +
      `"${others.join('", "')}" differ: read both with the same one`,
  );
}
