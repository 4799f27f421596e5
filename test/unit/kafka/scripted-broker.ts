import { once } from "node:events";
import net from "node:net";
import { WireReader, WireWriter } from "../../../src/kafka/protocol/wire.ts";

export interface ScriptedRequest {
  readonly apiKey: number;
  readonly version: number;
  /** Stands at the body. */
  readonly reader: WireReader;
  /** Ends the connection that the request came on. */
  readonly disconnect: () => void;
}

/** Answers with a body, later if it likes; null answers nothing, and nothing after it either. */
export type Script = (request: ScriptedRequest) => Promise<Buffer | null> | Buffer | null;

const API_VERSIONS = 18;
/** SaslHandshake has kept the old header (KIP-43), CreateTopics has it in the version that we speak. */
const OLD_HEADERS: ReadonlySet<number> = new Set([17, 19]);

/** A broker of one node whose every answer a test decides. Speaks flexible versions only. */
export class ScriptedBroker {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #script: Script;

  private constructor(script: Script) {
    this.#script = script;
    this.#server = net.createServer((socket) => this.#serve(socket));
  }

  static async start(script: Script): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(script);
    broker.#server.listen(0, "127.0.0.1");
    await once(broker.#server, "listening");
    return broker;
  }

  get address(): { readonly host: string; readonly port: number } {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return { host: "127.0.0.1", port: address.port };
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    let received = Buffer.alloc(0);
    // As a real one: the next request of a connection is read when the last has been answered.
    let turn = Promise.resolve();
    socket.on("data", (piece) => {
      received = Buffer.concat([received, piece]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const frame = received.subarray(4, 4 + received.readInt32BE(0));
        received = received.subarray(4 + frame.length);
        turn = turn.then(() => this.#answer(socket, frame));
      }
    });
  }

  async #answer(socket: net.Socket, frame: Buffer): Promise<void> {
    const reader = new WireReader(frame);
    const apiKey = reader.int16();
    const version = reader.int16();
    const correlationId = reader.int32();
    reader.nullableString();
    if (!OLD_HEADERS.has(apiKey)) reader.tags();
    const disconnect = () => socket.destroy();
    const body = await this.#script({ apiKey, version, reader, disconnect });
    if (body === null) return new Promise(() => {});
    const header = new WireWriter().int32(0).int32(correlationId);
    if (apiKey !== API_VERSIONS && !OLD_HEADERS.has(apiKey)) header.emptyTags();
    const head = header.finish();
    head.writeInt32BE(head.length - 4 + body.length, 0);
    // In two pieces, cut where it hurts: frames arrive as the network likes.
    const whole = Buffer.concat([head, body]);
    socket.write(whole.subarray(0, 2));
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(whole.subarray(2));
  }
}

/** ApiVersions v3 that offers exactly these: API key to oldest and newest. */
export function apiVersionsAnswer(ranges: Readonly<Record<number, readonly [number, number]>>) {
  const writer = new WireWriter().int16(0);
  writer.compactArray(Object.entries(ranges), ([key, [oldest, newest]]) => {
    writer.int16(Number(key)).int16(oldest).int16(newest).emptyTags();
  });
  return writer.int32(0).emptyTags().finish();
}

export interface ScriptedTopic {
  readonly name: string;
  readonly id: string;
  readonly error?: number;
  /** By partition: the leader's epoch. */
  readonly epochs: readonly number[];
}

/** Metadata v12 of one broker, node 1, that leads everything. */
export function metadataAnswer(
  address: { readonly host: string; readonly port: number },
  topics: readonly ScriptedTopic[],
): Buffer {
  const writer = new WireWriter().int32(0);
  writer.compactArray([address], ({ host, port }) => {
    writer.int32(1).compactString(host).int32(port).compactNullableString(null).emptyTags();
  });
  writer.compactNullableString("cluster").int32(1);
  writer.compactArray(topics, ({ name, id, error, epochs }) => {
    writer
      .int16(error ?? 0)
      .compactNullableString(name)
      .uuid(id)
      .bool(false);
    writer.compactArray([...epochs.entries()], ([partition, epoch]) => {
      writer.int16(0).int32(partition).int32(1).int32(epoch);
      for (let list = 0; list < 3; list++) writer.compactArray([1], (id) => writer.int32(id));
      writer.emptyTags();
    });
    writer.int32(0).emptyTags();
  });
  return writer.emptyTags().finish();
}

/** FindCoordinator v4: node 1 at this address. */
export function coordinatorAnswer(
  address: { readonly host: string; readonly port: number },
  key: string,
  error = 0,
): Buffer {
  const writer = new WireWriter().int32(0);
  writer.compactArray([key], (each) => {
    writer.compactString(each).int32(1).compactString(address.host).int32(address.port);
    writer.int16(error).compactNullableString(null).emptyTags();
  });
  return writer.emptyTags().finish();
}

export interface ScriptedFetchAnswer {
  readonly topicId: string;
  readonly partition: number;
  readonly error?: number;
  readonly records?: Buffer;
  readonly leader?: { readonly brokerId: number; readonly epoch: number };
  readonly diverging?: { readonly epoch: number; readonly endOffset: number };
}

/** Fetch v16, without aborted transactions. */
export function fetchAnswer(partitions: readonly ScriptedFetchAnswer[]): Buffer {
  const writer = new WireWriter().int32(0).int16(0).int32(0);
  writer.compactArray(partitions, (fetched) => {
    const { topicId, partition, error, records, leader, diverging } = fetched;
    writer.uuid(topicId).compactArray([partition], (each) => {
      writer
        .int32(each)
        .int16(error ?? 0)
        .int64(0)
        .int64(0)
        .int64(0);
      writer
        .compactArray([], () => {})
        .int32(-1)
        .compactBytes(records ?? Buffer.alloc(0));
      writer.uvarint((diverging === undefined ? 0 : 1) + (leader === undefined ? 0 : 1));
      if (diverging !== undefined) {
        writer.uvarint(0).uvarint(13).int32(diverging.epoch).int64(diverging.endOffset).emptyTags();
      }
      if (leader !== undefined) {
        writer.uvarint(1).uvarint(9).int32(leader.brokerId).int32(leader.epoch).emptyTags();
      }
    });
    writer.emptyTags();
  });
  return writer.emptyTags().finish();
}

export interface ScriptedFetchRequest {
  readonly waitMaxMs: number;
  readonly partitions: readonly {
    topicId: string;
    partition: number;
    offset: number;
    epoch: number;
    lastEpoch: number;
  }[];
}

export function readFetchRequest(reader: WireReader): ScriptedFetchRequest {
  const waitMaxMs = reader.int32();
  reader.skip(4 + 4 + 1 + 4 + 4);
  const partitions: ScriptedFetchRequest["partitions"][number][] = [];
  reader.compactArray(() => {
    const topicId = reader.uuid();
    reader.compactArray(() => {
      const partition = reader.int32();
      const epoch = reader.int32();
      const offset = reader.int64();
      partitions.push({ topicId, partition, epoch, offset, lastEpoch: reader.int32() });
      reader.skip(8 + 4);
      reader.tags();
    });
    reader.tags();
  });
  return { waitMaxMs, partitions };
}
