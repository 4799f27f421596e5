import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { openPlainSocket, type SocketFactory } from "../../src/kafka/network/socket.ts";
import { WireReader, WireWriter } from "../../src/kafka/protocol/wire.ts";

/** What happens to one request on its way. */
export type Fault =
  /** The connection breaks before the broker has the request. */
  | { readonly kind: "lostRequest" }
  /** The broker does it, and the connection breaks before the answer is here. */
  | { readonly kind: "lostAnswer" }
  /** A Produce is answered with this code for every partition; the broker never sees it. */
  | { readonly kind: "produceError"; readonly code: number };

export interface Rule {
  readonly apiKey: number;
  /** The n-th request of this API, from 1. */
  readonly nth: number;
  readonly fault: Fault;
}

const PRODUCE = 0;

/** Stands between a client and one broker, and does to its requests what the rules say, once each. */
export class FaultProxy {
  readonly #server: Server;
  readonly #port: number;
  readonly #counts = new Map<number, number>();
  #rules: Rule[] = [];
  /** How many faults took place. */
  faults = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  static async start(bootstrapServers: string): Promise<FaultProxy> {
    const brokerPort = Number(bootstrapServers.split(":")[1]);
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    const proxy = new FaultProxy(server, address.port);
    server.on("connection", (client) => new Relay(proxy, client, brokerPort));
    return proxy;
  }

  /** Brokers advertise their own port: whatever address is dialled, the proxy is. */
  readonly openSocket: SocketFactory = (_, onBytes, timeoutMs) =>
    openPlainSocket({ host: "127.0.0.1", port: this.#port }, onBytes, timeoutMs);

  /** Counts anew from here on. */
  inject(...rules: Rule[]): void {
    this.#rules = rules;
    this.#counts.clear();
  }

  faultOf(apiKey: number): Fault | null {
    const count = (this.#counts.get(apiKey) ?? 0) + 1;
    this.#counts.set(apiKey, count);
    const rule = this.#rules.find((each) => each.apiKey === apiKey && each.nth === count);
    if (rule !== undefined) this.faults += 1;
    return rule?.fault ?? null;
  }

  async stop(): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** One connection: frames from the client are looked at, answers keep their order. */
class Relay {
  readonly #proxy: FaultProxy;
  readonly #client: Socket;
  readonly #broker: Socket;
  /** Requests without an answer: the broker's to give, ours, or none. */
  readonly #pending: ({ readonly own: Buffer } | "broker" | "lost")[] = [];

  constructor(proxy: FaultProxy, client: Socket, brokerPort: number) {
    this.#proxy = proxy;
    this.#client = client;
    this.#broker = connect({ host: "127.0.0.1", port: brokerPort, noDelay: true });
    const end = (): void => this.#end();
    for (const socket of [this.#client, this.#broker]) socket.on("error", end).on("close", end);
    frames(this.#client, (frame) => this.#request(frame));
    frames(this.#broker, (frame) => this.#answer(frame));
  }

  #request(frame: Buffer): void {
    const fault = this.#proxy.faultOf(frame.readInt16BE(4));
    switch (fault?.kind) {
      case undefined:
        this.#pending.push("broker");
        this.#broker.write(frame);
        return;
      case "lostRequest":
        this.#end();
        return;
      case "lostAnswer":
        this.#pending.push("lost");
        this.#broker.write(frame);
        return;
      case "produceError":
        this.#pending.push({ own: produceAnswer(frame, fault.code) });
        this.#flush();
        return;
    }
  }

  #answer(frame: Buffer): void {
    if (this.#pending.shift() === "lost") {
      this.#end();
      return;
    }
    this.#client.write(frame);
    this.#flush();
  }

  #flush(): void {
    for (let head = this.#pending[0]; typeof head === "object"; head = this.#pending[0]) {
      this.#pending.shift();
      this.#client.write(head.own);
    }
  }

  #end(): void {
    this.#client.destroy();
    this.#broker.destroy();
  }
}

/** Calls back with each whole frame, its length included. */
function frames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let held = Buffer.alloc(0);
  socket.on("data", (piece: Buffer) => {
    held = Buffer.concat([held, piece]);
    while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
      const end = 4 + held.readInt32BE(0);
      const frame = Buffer.from(held.subarray(0, end));
      held = held.subarray(end);
      onFrame(frame);
    }
  });
}

/** A Produce answer (v12) that refuses every partition of the request. */
function produceAnswer(request: Buffer, code: number): Buffer {
  const reader = new WireReader(request, 4);
  const apiKey = reader.int16();
  if (apiKey !== PRODUCE) throw new Error(`only Produce can be refused, not API ${apiKey}`);
  reader.int16();
  const correlationId = reader.int32();
  reader.nullableString();
  reader.tags();
  reader.compactNullableString();
  reader.int16();
  reader.int32();
  const topics = reader.compactArray(() => {
    const topic = reader.compactString();
    const partitions = reader.compactArray(() => {
      const partition = reader.int32();
      reader.compactNullableBytes();
      reader.tags();
      return partition;
    });
    reader.tags();
    return { topic, partitions };
  });
  const body = new WireWriter().int32(0).int32(correlationId).emptyTags();
  body.compactArray(topics, ({ topic, partitions }) => {
    body.compactString(topic);
    body.compactArray(partitions, (partition) => {
      body.int32(partition).int16(code).int64(-1).int64(-1).int64(-1);
      body.uvarint(1).compactNullableString(null).emptyTags();
    });
    body.emptyTags();
  });
  const frame = body.int32(0).emptyTags().finish();
  frame.writeInt32BE(frame.length - 4, 0);
  return frame;
}
