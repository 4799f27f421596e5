/**
 * 64-bit integers and doubles, big-endian, through one place of their own: a DataView for each value costs
 * more than the value.
 */
const scratch = new Uint8Array(8);
const view = new DataView(scratch.buffer);

const TWO_32 = 0x1_0000_0000;

export function bigInt64Bytes(value: bigint): Uint8Array {
  view.setBigInt64(0, value);
  return written();
}

export function doubleBytes(value: number): Uint8Array {
  view.setFloat64(0, value);
  return written();
}

export function bigInt64At(bytes: Uint8Array, at: number): bigint {
  read(bytes, at);
  return view.getBigInt64(0);
}

export function doubleAt(bytes: Uint8Array, at: number): number {
  read(bytes, at);
  return view.getFloat64(0);
}

/** The number that is nearest: exact within 2^53. */
export function int64At(bytes: Uint8Array, at: number): number {
  read(bytes, at);
  return view.getInt32(0) * TWO_32 + view.getUint32(4);
}

/** Writes a whole number within 2^53. */
export function putInt64(to: Uint8Array, at: number, value: number): void {
  view.setInt32(0, Math.floor(value / TWO_32));
  view.setUint32(4, value);
  for (let index = 0; index < 8; index++) to[at + index] = scratch[index] as number;
}

function read(bytes: Uint8Array, at: number): void {
  for (let index = 0; index < 8; index++) scratch[index] = bytes[at + index] as number;
}

function written(): Uint8Array {
  const bytes = new Uint8Array(8);
  for (let index = 0; index < 8; index++) bytes[index] = scratch[index] as number;
  return bytes;
}
