import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { openPlainSocket, type SocketFactory } from "../../src/kafka/network/socket.ts";
import {
  type Fault,
  produceAnswer,
  type RequestHeader,
  type Rule,
  Rules,
  requestHeader,
} from "./fault-rules.ts";

/** A request that met a fault. */
export interface Met extends RequestHeader {
  readonly fault: Fault["kind"];
}

/** More requests than a test looks at; a long run forgets the oldest. */
const HISTORY_MAX = 10_000;

/**
 * Stands between clients and one broker, reads the head of each request, and does to it what the
 * rules say. A cluster has one for each broker. Clients that are not ours reach it where the broker
 * advertises its port; ours by `openSocket`. Not for connections with TLS: it cannot read them.
 */
export class FaultProxy {
  readonly #server: Server;
  readonly #port: number;
  readonly #rules = new Rules();
  readonly #relays = new Set<Relay>();
  #isCut = false;
  /** How many faults took place. */
  faults = 0;
  /** How many connections clients have opened. */
  connections = 0;
  /** Requests by API key. */
  readonly requests = new Map<number, number>();
  readonly history: Met[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  /** Listens on loopback, on any free port where none is named. */
  static async start(broker: string, port = 0): Promise<FaultProxy> {
    const server = createServer();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    const proxy = new FaultProxy(server, address.port);
    const brokerPort = Number(broker.split(":")[1]);
    server.on("connection", (client) => proxy.#accept(client, brokerPort));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Brokers advertise their own port: whatever address is dialled, the proxy is. */
  readonly openSocket: SocketFactory = (_, onBytes, timeoutMs) =>
    openPlainSocket({ host: "127.0.0.1", port: this.#port }, onBytes, timeoutMs);

  /** For a cluster: each broker, known by its port, behind its proxy. */
  static socketsThrough(proxies: ReadonlyMap<number, FaultProxy>): SocketFactory {
    return (address, onBytes, timeoutMs) => {
      const proxy = proxies.get(address.port);
      if (proxy === undefined) throw new Error(`no proxy stands before port ${address.port}`);
      return proxy.openSocket(address, onBytes, timeoutMs);
    };
  }

  /** Instead of the rules before; without any, everything passes. Counts anew from here on. */
  inject(...rules: readonly Rule[]): void {
    this.#rules.set(rules);
  }

  /** A network partition: nothing passes on any connection, and new ones get no further either. */
  cut(): void {
    this.#isCut = true;
    for (const relay of this.#relays) relay.vanish();
  }

  /** New connections pass again; those of the time before stay dead, and end. */
  heal(): void {
    this.#isCut = false;
    this.disconnectAll();
  }

  /** Ends every connection without order, as a broker that is killed does. */
  disconnectAll(): void {
    for (const relay of this.#relays) relay.end("reset");
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.disconnectAll();
    await closed;
  }

  #accept(client: Socket, brokerPort: number): void {
    this.connections += 1;
    const judge = (frame: Buffer): Fault | null => this.#judge(requestHeader(frame));
    const relay: Relay = new Relay(client, brokerPort, judge, () => this.#relays.delete(relay));
    this.#relays.add(relay);
    if (this.#isCut) relay.vanish();
  }

  #judge(header: RequestHeader): Fault | null {
    this.requests.set(header.apiKey, (this.requests.get(header.apiKey) ?? 0) + 1);
    const fault = this.#rules.faultOf(header);
    if (fault === null) return null;
    this.faults += 1;
    this.history.push({ ...header, fault: fault.kind });
    if (this.history.length > HISTORY_MAX) this.history.shift();
    return fault;
  }
}

/** What becomes of the next answer of the broker: answers keep the order of their requests. */
type Pending =
  | "pass"
  /** The connection breaks instead. */
  | "break"
  /** It is swallowed, and nothing after it passes. */
  | "vanish"
  /** It is swallowed: the second of a request that was sent twice. */
  | "swallow"
  /** Given by the proxy; the broker never saw the request. */
  | { readonly own: Buffer };

/** One connection. */
class Relay {
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #judge: (frame: Buffer) => Fault | null;
  readonly #ended: () => void;
  readonly #pending: Pending[] = [];
  /** Requests behind one that is delayed, and the timer of that. */
  #queue: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #toBroker = true;
  #toClient = true;

  constructor(
    client: Socket,
    brokerPort: number,
    judge: (frame: Buffer) => Fault | null,
    ended: () => void,
  ) {
    this.#client = client;
    this.#judge = judge;
    this.#ended = ended;
    this.#broker = connect({ host: "127.0.0.1", port: brokerPort, noDelay: true });
    const end = (): void => this.end("close");
    for (const socket of [this.#client, this.#broker]) socket.on("error", end).on("close", end);
    frames(this.#client, (frame) => this.#request(frame));
    frames(this.#broker, (frame) => this.#answer(frame));
  }

  vanish(): void {
    this.#toBroker = false;
    this.#toClient = false;
  }

  end(how: "close" | "reset"): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#queue = [];
    if (how === "reset" && !this.#client.destroyed) this.#client.resetAndDestroy();
    else this.#client.destroy();
    this.#broker.destroy();
    this.#ended();
  }

  #request(frame: Buffer): void {
    if (!this.#toBroker) return;
    const fault = this.#judge(frame);
    if (fault?.kind === "delay") {
      this.#queue.push(() => this.#forward(frame, "pass"));
      this.#timer ??= setTimeout(() => this.#release(), fault.ms);
    } else if (this.#timer !== null) {
      this.#queue.push(() => this.#apply(frame, fault));
    } else {
      this.#apply(frame, fault);
    }
  }

  #release(): void {
    this.#timer = null;
    const queue = this.#queue;
    this.#queue = [];
    for (const send of queue) send();
  }

  #apply(frame: Buffer, fault: Fault | null): void {
    switch (fault?.kind) {
      case undefined:
      case "delay":
        this.#forward(frame, "pass");
        return;
      case "dropRequest":
        this.#toBroker = false;
        return;
      case "dropAnswer":
        this.#forward(frame, "vanish");
        return;
      case "duplicate":
        this.#forward(frame, "pass");
        this.#forward(frame, "swallow");
        return;
      case "halfOpen":
        this.vanish();
        return;
      case "close":
      case "lostRequest":
        this.end("close");
        return;
      case "reset":
        this.end("reset");
        return;
      case "lostAnswer":
        this.#forward(frame, "break");
        return;
      case "produceError":
        this.#pending.push({ own: produceAnswer(frame, fault.code) });
        this.#flush();
        return;
    }
  }

  #forward(frame: Buffer, pending: Pending): void {
    this.#pending.push(pending);
    this.#broker.write(frame);
  }

  #answer(frame: Buffer): void {
    const pending = this.#pending.shift();
    if (pending === "break") {
      this.end("close");
      return;
    }
    if (pending === "vanish") this.#toClient = false;
    if (pending !== "swallow") this.#give(frame);
    this.#flush();
  }

  #flush(): void {
    for (let head = this.#pending[0]; typeof head === "object"; head = this.#pending[0]) {
      this.#pending.shift();
      this.#give(head.own);
    }
  }

  #give(frame: Buffer): void {
    if (this.#toClient) this.#client.write(frame);
  }
}

/** Calls back with each whole frame, its length included. */
function frames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let pieces: Buffer[] = [];
  let held = 0;
  let wanted = 4;
  socket.on("data", (piece: Buffer) => {
    pieces.push(piece);
    held += piece.length;
    while (held >= wanted) {
      const all =
        pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
      pieces = [all];
      wanted = 4 + all.readInt32BE(0);
      if (held < wanted) return;
      pieces = [all.subarray(wanted)];
      held -= wanted;
      onFrame(all.subarray(0, wanted));
      wanted = 4;
    }
  });
}
