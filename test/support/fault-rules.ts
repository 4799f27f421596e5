import { WireReader, WireWriter } from "../../src/kafka/protocol/wire.ts";

/** What happens to one request, or from it on. */
export type Fault =
  /** This and all that follows it on the connection wait so long on their way to the broker. */
  | { readonly kind: "delay"; readonly ms: number }
  /** This and all that the client sends after it vanishes; answers still come. */
  | { readonly kind: "dropRequest" }
  /** The broker does it; its answer and all that the broker sends after it vanishes. */
  | { readonly kind: "dropAnswer" }
  /** The broker gets it twice; the client sees the first answer. */
  | { readonly kind: "duplicate" }
  /** Both sides keep the connection, and nothing passes any more: a cable that was pulled. */
  | { readonly kind: "halfOpen" }
  /** The connection ends in order (FIN) before the broker has the request. */
  | { readonly kind: "close" }
  /** The same, without order (RST). */
  | { readonly kind: "reset" }
  /** The connection breaks before the broker has the request. */
  | { readonly kind: "lostRequest" }
  /** The broker does it, and the connection breaks before the answer is here. */
  | { readonly kind: "lostAnswer" }
  /** A Produce is answered with this code for every partition; the broker never sees it. */
  | { readonly kind: "produceError"; readonly code: number };

/** The head of every request. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

export interface Rule {
  /** Every API where it is left out. */
  readonly apiKey?: number;
  /** The n-th request of this API since `inject`, from 1; every one where it is left out. */
  readonly nth?: number;
  /** Takes place this often at most; once where `nth` is given, without an end where it is not. */
  readonly times?: number;
  /** Narrows it further, for instance to one client or by chance. */
  readonly when?: (header: RequestHeader) => boolean;
  readonly fault: Fault;
}

export function requestHeader(frame: Buffer): RequestHeader {
  const reader = new WireReader(frame, 4);
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  return { apiKey, apiVersion, correlationId, clientId: reader.nullableString() };
}

/** Which fault a request meets: rules in their order, the first that fits. */
export class Rules {
  readonly #counts = new Map<number, number>();
  #rules: { readonly rule: Rule; left: number }[] = [];

  /** Instead of those before; counts anew from here on. */
  set(rules: readonly Rule[]): void {
    this.#rules = rules.map((rule) => {
      const once = rule.nth === undefined ? Number.POSITIVE_INFINITY : 1;
      return { rule, left: rule.times ?? once };
    });
    this.#counts.clear();
  }

  faultOf(header: RequestHeader): Fault | null {
    const count = (this.#counts.get(header.apiKey) ?? 0) + 1;
    this.#counts.set(header.apiKey, count);
    for (const entry of this.#rules) {
      const { apiKey, nth, when, fault } = entry.rule;
      if (entry.left === 0) continue;
      if (apiKey !== undefined && apiKey !== header.apiKey) continue;
      if (nth !== undefined && nth !== count) continue;
      if (when !== undefined && !when(header)) continue;
      entry.left -= 1;
      return fault;
    }
    return null;
  }
}

const PRODUCE = 0;

/** A Produce answer (v12) that refuses every partition of the request. */
export function produceAnswer(request: Buffer, code: number): Buffer {
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
