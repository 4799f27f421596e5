/** murmur2 as Java's client computes it over a key (`Utils.murmur2`), over unsigned bytes. */
export function murmur2(bytes: Buffer, position: number, length: number): number {
  const m = 0x5bd1e995;
  let hash = 0x9747b28c ^ length;
  const end = position + (length & ~3);
  for (let at = position; at < end; at += 4) {
    let word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    word = Math.imul(word, m);
    word ^= word >>> 24;
    hash = Math.imul(hash, m) ^ Math.imul(word, m);
  }
  const rest = length & 3;
  if (rest === 3) hash ^= (bytes[end + 2] as number) << 16;
  if (rest >= 2) hash ^= (bytes[end + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (bytes[end] as number), m);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, m);
  return hash ^ (hash >>> 15);
}

/** The partition of a key: Java's `toPositive(murmur2(key)) % partitions`. */
export function partitionOf(
  bytes: Buffer,
  position: number,
  length: number,
  partitions: number,
): number {
  return (murmur2(bytes, position, length) & 0x7fffffff) % partitions;
}
