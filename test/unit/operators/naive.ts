import type { NumberType, Operator } from "../../../src/model/topology.ts";

/** What a naive model forwards; bytes as latin1. */
export interface Output {
  readonly key: string;
  readonly value: string | null;
  readonly offset: number | undefined;
  readonly timestamp: number | undefined;
  readonly headers: string;
}

/** As Kafka's serializers: a BigInt for an int64, which nothing else could hold. */
export function encode(value: bigint | number | null, number: NumberType = "int64"): string | null {
  if (value === null) return null;
  const bytes = Buffer.alloc(number === "int32" ? 4 : 8);
  if (number === "int64") bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(value)));
  else if (number === "float64")
    bytes.writeDoubleBE(Number.isNaN(value) ? Number.NaN : Number(value));
  else bytes.writeInt32BE(Number(value));
  return bytes.toString("latin1");
}

export function decode(value: string, number: NumberType = "int64"): bigint | number {
  const bytes = Buffer.from(value, "latin1");
  if (number === "int64") return bytes.readBigInt64BE();
  return number === "float64" ? bytes.readDoubleBE() : bytes.readInt32BE();
}

/** Java's arithmetic of one step. */
export function folded(
  kind: Operator["kind"],
  number: NumberType = "int64",
  before: bigint | number | undefined,
  value: bigint | number,
): bigint | number {
  if (before === undefined) return value;
  if (typeof before === "bigint" && typeof value === "bigint") {
    if (kind === "min") return value < before ? value : before;
    if (kind === "max") return value > before ? value : before;
    return BigInt.asIntN(64, before + value);
  }
  const [left, right] = [Number(before), Number(value)];
  if (kind === "min") return Math.min(left, right);
  if (kind === "max") return Math.max(left, right);
  return number === "int32" ? (left + right) | 0 : left + right;
}
