import type { DeclaredNode, DeclaredStore, DeclaredTopology, Windows } from "../model/topology.ts";

/**
 * Sixteen hex digits that are equal for equal topologies. Order of declaration does not count: SDKs
 * of two languages may list the same nodes differently. Not meant against an adversary: workers are
 * one's own.
 */
export function topologyHash(declared: DeclaredTopology): string {
  const nodes = [...declared.nodes].sort(byName).map(canonicalNode);
  const stores = [...declared.stores].sort(byName).map(canonicalStore);
  const text = JSON.stringify([nodes, stores]);
  return hex(fold(text, 0x01000193)) + hex(fold(text, 0x5bd1e995));
}

function canonicalStore({ name, kind, isTimestamped, ttlMs }: DeclaredStore): unknown[] {
  if (isTimestamped !== true) return [name, kind];
  return [name, kind, "timestamped", ttlMs ?? 0];
}

function canonicalNode(node: DeclaredNode): unknown[] {
  return [node.name, node.kind, [...node.parents].sort(), ...canonicalKind(node)];
}

function canonicalKind(node: DeclaredNode): unknown[] {
  switch (node.kind) {
    case "source":
      return [[...node.topics].sort(), ...(node.pattern === undefined ? [] : [node.pattern])];
    case "function":
      return [node.operation, [...node.stores].sort(), ...canonicalTimers(node)];
    case "aggregate": {
      const { store, aggregator, windows, number, repartition, emit } = node;
      const kind = windows === null ? null : canonicalWindows(windows);
      const rest = [number ?? null, repartition ?? null, ...(emit === undefined ? [] : [emit])];
      return [store, aggregator, kind, ...(rest.some((one) => one !== null) ? rest : [])];
    }
    case "suppress": {
      const { store, until, buffer } = node;
      const { maxRecords = null, maxBytes = null, whenFull } = buffer;
      const waitMs = until.kind === "timeLimit" ? until.waitMs : null;
      return [store, waitMs, maxRecords, maxBytes, whenFull];
    }
    case "sink":
      return [node.topic];
    case "hook":
      return [];
    case "repartition":
      return [node.partitions];
  }
}

/** Nothing where there are none, so that a topology without them keeps its hash. */
function canonicalTimers({
  timers = false,
  punctuators = [],
}: DeclaredNode & { kind: "function" }): unknown[] {
  if (!timers && punctuators.length === 0) return [];
  const sorted = [...punctuators].sort(byName);
  return [timers, sorted.map(({ name, clock, intervalMs }) => [name, clock, intervalMs])];
}

/** Of tumbling windows as ever, so that a topology of theirs keeps its hash. */
function canonicalWindows(windows: Windows): unknown[] {
  switch (windows.kind) {
    case "time": {
      const { sizeMs, advanceMs, graceMs } = windows;
      return advanceMs === sizeMs ? [sizeMs, graceMs] : [sizeMs, advanceMs, graceMs];
    }
    case "sliding":
      return [windows.kind, windows.differenceMs, windows.graceMs];
    case "session":
      return [windows.kind, windows.gapMs, windows.graceMs];
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

/** FNV-1a over UTF-16 units, 32 bits, mixed at the end; two factors give two halves. */
function fold(text: string, factor: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), factor);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
