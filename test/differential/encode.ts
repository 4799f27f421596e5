import { serdeOf } from "./sdk.ts";
import type { InputSpec, NodeSpec, ValueType } from "./topology.ts";

/** A record of the input, as bytes in base64. */
export interface EncodedInput {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly at: number;
  readonly headers: readonly (readonly [key: string, value: string | null])[];
}

/** The input in the types that its sources read. */
export function encodedInput(
  nodes: readonly NodeSpec[],
  input: readonly InputSpec[],
): EncodedInput[] {
  return input.map(({ topic, key, value, at, headers = [] }) => ({
    topic,
    key: base64(key),
    value: encodeValue(value, typeOf(nodes, topic)),
    at,
    headers: headers.map(([name, text]) => [name, base64(text)] as const),
  }));
}

function typeOf(nodes: readonly NodeSpec[], topic: string): ValueType {
  for (const node of nodes) {
    if (node.op === "source" && node.topics.includes(topic)) return node.value ?? "text";
  }
  return "text";
}

function encodeValue(value: string | null, type: ValueType): string | null {
  if (value === null || type === "text") return base64(value);
  if (type === "int32") {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(Number(value));
    return bytes.toString("base64");
  }
  const number = type === "int64" ? BigInt(value) : Number(value);
  return base64Of(serdeOf(type).serialize(number));
}

function base64(text: string | null): string | null {
  return text === null ? null : Buffer.from(text).toString("base64");
}

export function base64Of(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString("base64");
}
