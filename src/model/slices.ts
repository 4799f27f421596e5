/** Below this many bytes a loop beats the call into `Buffer.copy`, which makes a view. */
const LOOP_COPY_MAX = 64;

/** Copies `length` bytes; the two may not overlap. */
export function copySlice(
  from: Buffer,
  position: number,
  to: Buffer,
  at: number,
  length: number,
): void {
  if (length > LOOP_COPY_MAX) {
    from.copy(to, at, position, position + length);
    return;
  }
  for (let i = 0; i < length; i++) to[at + i] = from[position + i] as number;
}

/** Whether two slices of `length` bytes are equal. */
export function equalSlices(
  one: Buffer,
  position: number,
  other: Buffer,
  at: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (one[position + i] !== other[at + i]) return false;
  return true;
}
