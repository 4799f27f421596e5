import type { Socket } from "node:net";
import type { SocketFactory } from "../../src/kafka/network/socket.ts";
import { WireReader, WireWriter } from "../../src/kafka/protocol/wire.ts";
import { API_NAMES, serve } from "./kafka/broker.ts";
import type { ModelKafka } from "./kafka/model.ts";
import type { Loop, Process } from "./loop.ts";
import type { Random } from "./random.ts";

/** What a fault does to one request. */
export type RequestFault =
  /** The connection breaks; the request never arrives. */
  | { readonly kind: "lose" }
  /** The connection breaks for the client; the request arrives all the same, `ms` later. */
  | { readonly kind: "late"; readonly ms: number }
  /** It is done, and the connection breaks before the answer. */
  | { readonly kind: "loseAnswer" }
  /** The answer takes `ms` longer; the client may give up before. */
  | { readonly kind: "slowAnswer"; readonly ms: number }
  /** Answered with this code. */
  | { readonly kind: "refuse"; readonly code: number };

export interface NetworkHost {
  /** Asked of every request as it is sent. */
  readonly onRequest: (owner: Process, api: string) => RequestFault | null;
  /** Told when an answer has reached the client, before it is read. */
  readonly onAnswer: (owner: Process, api: string) => void;
  readonly trace: (line: () => string) => void;
}

const API_VERSIONS = 18;
const LENGTH_BYTES = 4;

type Listener = (error: Error) => void;

/** Connections between processes and nodes: bytes in order, each way with a delay. */
export class Network {
  readonly #loop: Loop;
  readonly #random: Random;
  readonly #kafka: ModelKafka;
  readonly #host: NetworkHost;
  readonly #links = new Set<Link>();

  constructor(loop: Loop, random: Random, kafka: ModelKafka, host: NetworkHost) {
    this.#loop = loop;
    this.#random = random;
    this.#kafka = kafka;
    this.#host = host;
  }

  /** The sockets of one process. */
  socketsOf(owner: Process): SocketFactory {
    owner.onEnd(() => {
      for (const link of this.#links) if (link.owner === owner) this.#links.delete(link);
    });
    return (address, onBytes) =>
      new Promise((resolve, reject) => {
        const node = this.#kafka.nodes.find(({ id }) => address.host === `node-${id}`);
        this.#loop.after(this.delayMs(), owner, () => {
          if (node === undefined || !node.up) {
            reject(new Error(`connect ECONNREFUSED ${address.host}`));
            return;
          }
          const link = new Link(this, owner, node.id, onBytes);
          this.#links.add(link);
          resolve(link.socket());
        });
      });
  }

  /** A node goes: its connections break, what has arrived is done. */
  disconnect(nodeId: number): void {
    for (const link of [...this.#links]) if (link.node === nodeId) this.breakLink(link);
  }

  breakLink(link: Link): void {
    this.#links.delete(link);
    this.#loop.after(this.delayMs(), link.owner, () => link.broken());
  }

  delayMs(): number {
    return this.#random.skewed(0.05, 3);
  }

  /** A request leaves: what becomes of it is decided here. */
  send(link: Link, frame: Buffer): void {
    const apiKey = frame.readInt16BE(LENGTH_BYTES);
    const api = API_NAMES[apiKey] ?? String(apiKey);
    // What a dead process still does in the turn that it died in happens to nobody.
    if (link.owner.state === "dead") return;
    const fault = this.#host.onRequest(link.owner, api);
    const delayMs = this.delayMs() + (fault?.kind === "late" ? fault.ms : 0);
    link.arrivalMs = Math.max(link.arrivalMs, this.#loop.nowMs + delayMs);
    if (fault?.kind === "lose" || fault?.kind === "late") this.breakLink(link);
    if (fault?.kind === "lose") return;
    if (fault?.kind === "late") {
      this.#loop.after(delayMs, null, () => {
        this.#host.trace(() => `a late ${api} of ${link.owner.name} arrives`);
        this.#serve(link, frame, api, null);
      });
      return;
    }
    this.#loop.after(link.arrivalMs - this.#loop.nowMs, null, () => {
      link.waiting.push({ frame, api, fault });
      this.#serveNext(link);
    });
  }

  /** A broker reads the next request of a connection when it has answered the last. */
  #serveNext(link: Link): void {
    if (link.busy) return;
    const next = link.waiting.shift();
    if (next === undefined) return;
    if (!(this.#kafka.nodes[link.node - 1]?.up ?? false)) return;
    link.busy = true;
    this.#serve(link, next.frame, next.api, next.fault);
  }

  #serve(link: Link, frame: Buffer, api: string, fault: RequestFault | null): void {
    const reader = new WireReader(frame, LENGTH_BYTES);
    const apiKey = reader.int16();
    reader.int16();
    const correlationId = reader.int32();
    reader.nullableString();
    reader.tags();
    serve(this.#kafka, link.node, {
      apiKey,
      reader,
      refuse: fault?.kind === "refuse" ? fault.code : null,
      reply: (body) => {
        link.busy = false;
        this.#answer(link, api, apiKey, correlationId, body.finish(), fault);
        this.#serveNext(link);
      },
    });
  }

  #answer(
    link: Link,
    api: string,
    apiKey: number,
    correlationId: number,
    body: Buffer,
    fault: RequestFault | null,
  ): void {
    if (!this.#links.has(link)) return;
    if (fault?.kind === "loseAnswer") {
      this.breakLink(link);
      return;
    }
    const header = new WireWriter(16).int32(0).int32(correlationId);
    if (apiKey !== API_VERSIONS) header.emptyTags();
    const head = header.finish();
    head.writeInt32BE(head.length - LENGTH_BYTES + body.length, 0);
    const bytes = Buffer.concat([head, body]);
    const slowMs = fault?.kind === "slowAnswer" ? fault.ms : 0;
    link.answerMs = Math.max(link.answerMs, this.#loop.nowMs + this.delayMs() + slowMs);
    this.#loop.after(link.answerMs - this.#loop.nowMs, link.owner, () => {
      if (!this.#links.has(link)) return;
      this.#host.onAnswer(link.owner, api);
      if (link.owner.state !== "dead") link.onBytes(bytes, bytes.length);
    });
  }

  closed(link: Link): void {
    this.#links.delete(link);
  }
}

interface Arrived {
  readonly frame: Buffer;
  readonly api: string;
  readonly fault: RequestFault | null;
}

/** One connection, as a socket looks from the client's side. */
class Link {
  readonly owner: Process;
  readonly node: number;
  readonly onBytes: (piece: Uint8Array, length: number) => void;
  readonly waiting: Arrived[] = [];
  busy = false;
  arrivalMs = 0;
  answerMs = 0;
  readonly #network: Network;
  readonly #listeners = new Map<string, Listener[]>();
  #parts: Buffer[] = [];
  #isOpen = true;

  constructor(
    network: Network,
    owner: Process,
    node: number,
    onBytes: (piece: Uint8Array, length: number) => void,
  ) {
    this.#network = network;
    this.owner = owner;
    this.node = node;
    this.onBytes = onBytes;
  }

  broken(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const listener of this.#listeners.get("close") ?? []) listener(new Error("closed"));
  }

  /** The few calls that a connection makes of its socket. */
  socket(): Socket {
    const calls = {
      destroyed: false,
      cork: () => {},
      write: (bytes: Buffer) => this.#parts.push(bytes),
      uncork: () => this.#flush(),
      destroy: () => {
        this.#isOpen = false;
        this.#network.closed(this);
      },
      on: (event: string, listener: Listener) => {
        this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
      },
    };
    return calls as unknown as Socket;
  }

  #flush(): void {
    const frame = Buffer.concat(this.#parts);
    this.#parts = [];
    if (this.#isOpen) this.#network.send(this, frame);
  }
}
