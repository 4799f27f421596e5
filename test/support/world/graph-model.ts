import type { DeclaredNode, DeclaredTopology } from "../../../src/model/topology.ts";
import type { PlainRecord } from "./columns.ts";
import { runFunction, saidOf } from "./graph-code.ts";
import { HeldBack } from "./held-back.ts";

interface Row {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

/**
 * A declared topology that takes one record after the other through its nodes, node by node: the plainest
 * thing that could be right. What it sends to topics, and what its stores hold.
 */
export class GraphModel {
  /** By topic, each as `key=value`. */
  readonly outputs = new Map<string, string[]>();
  /** By store and key. */
  readonly stores = new Map<string, string>();
  readonly #nodes: readonly DeclaredNode[];
  readonly #children = new Map<string, string[]>();
  readonly #heldBack = new Map<string, HeldBack>();
  #streamTime = Number.NEGATIVE_INFINITY;

  constructor({ nodes }: DeclaredTopology) {
    this.#nodes = nodes;
    for (const node of nodes) {
      const { name, parents } = node;
      const heldBack = HeldBack.of(node, nodes);
      if (heldBack !== null) this.#heldBack.set(name, heldBack);
      this.#children.set(name, []);
      for (const parent of parents) this.#children.get(parent)?.push(name);
    }
  }

  take(topic: string, { key, value, timestamp }: PlainRecord): void {
    this.#streamTime = Math.max(this.#streamTime, timestamp);
    const arrived = new Map<string, Row[]>(this.#nodes.map(({ name }) => [name, []]));
    for (const node of this.#nodes) {
      if (node.kind === "source" && node.topics.includes(topic)) {
        arrived.get(node.name)?.push({ key, value, timestamp });
      }
      const heldBack = this.#heldBack.get(node.name);
      for (const row of arrived.get(node.name) ?? []) {
        this.#run(node, row, arrived);
        for (const due of heldBack?.due(this.#streamTime) ?? []) this.#forward(node, due, arrived);
      }
      for (const due of heldBack?.due(this.#streamTime) ?? []) this.#forward(node, due, arrived);
    }
  }

  #forward({ name }: DeclaredNode, row: Row, arrived: Map<string, Row[]>): void {
    for (const child of this.#children.get(name) ?? []) arrived.get(child)?.push(row);
  }

  #run(node: DeclaredNode, row: Row, arrived: Map<string, Row[]>): void {
    const { key, value, timestamp } = row;
    const children = this.#children.get(node.name) ?? [];
    const forward = (child: string, nextKey: string | null, next: string | null): void => {
      arrived.get(child)?.push({ key: nextKey, value: next, timestamp });
    };
    if (node.kind === "source") for (const child of children) forward(child, key, value);
    if (node.kind === "sink") {
      this.outputs.set(node.topic, [...(this.outputs.get(node.topic) ?? []), `${key}=${value}`]);
    }
    if (node.kind === "function") {
      const [store = ""] = node.stores;
      const count = (): number => (key === null ? 0 : this.#add(store, key, String));
      runFunction(node, children, key, value, count, forward);
    }
    const heldBack = this.#heldBack.get(node.name) ?? null;
    if (node.kind === "aggregate") {
      const next = this.#fold(node, row);
      if (next === null) return;
      if (heldBack !== null) heldBack.put(next.key ?? "", next.value, timestamp);
      else for (const child of children) forward(child, next.key, next.value);
    }
    if (node.kind === "suppress") heldBack?.put(key ?? "", value, timestamp);
  }

  #fold(node: DeclaredNode & { kind: "aggregate" }, { key, value, timestamp }: Row): Row | null {
    if (key === null) return null;
    const { windows, store, aggregator } = node;
    if (windows === null && value === null) return null;
    let [stored, sent] = [key, key];
    if (windows?.kind === "time") {
      const start = Math.floor(timestamp / windows.sizeMs) * windows.sizeMs;
      if (start + windows.sizeMs + windows.graceMs <= this.#streamTime) return null;
      sent = key + int64(start);
      stored = `${sent}\0\0\0\0`;
    }
    const isOurs = aggregator === "application";
    const next = this.#add(store, stored, isOurs ? String : int64);
    return { key: sent, value: isOurs ? saidOf(node, next) : int64(next), timestamp };
  }

  #add(store: string, key: string, encode: (value: number) => string): number {
    const name = `${store}/${key}`;
    const before = this.stores.get(name);
    const next = (before === undefined ? 0 : decode(before, encode)) + 1;
    this.stores.set(name, encode(next));
    return next;
  }
}

function decode(text: string, encode: (value: number) => string): number {
  return encode === String ? Number(text) : Number(Buffer.from(text, "latin1").readBigInt64BE());
}

function int64(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes.toString("latin1");
}
