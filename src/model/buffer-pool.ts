/** Smallest and largest size that is kept; smaller ones are cheap, larger ones rare. */
const SIZE_MIN = 4 * 1024;
const SIZE_MAX = 1024 * 1024;

/**
 * Buffers to be used again, each of a power of two. Bytes of a buffer lie outside of V8's heap, and only
 * a collection lets go of them: a sidecar that made every batch anew would have its whole heap collected
 * several times a second. Who releases a buffer must be the last that has it: a late reader would see the
 * next user's bytes. A buffer that is never released is garbage like any other.
 */
export class BufferPool {
  readonly #bytesMax: number;
  readonly #free = new Map<number, Buffer[]>();
  #bytes = 0;

  /** Keeps at most `bytesMax` for later. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** At least `size` bytes, with whatever they hold. */
  take(size: number): Buffer {
    const rounded = roundUp(size);
    const buffer = this.#free.get(rounded)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(rounded);
    this.#bytes -= rounded;
    return buffer;
  }

  /** `buffer` as it was taken, not a part of it. */
  release(buffer: Buffer): void {
    const size = buffer.length;
    if (size > SIZE_MAX || size !== roundUp(size)) return;
    if (this.#bytes + size > this.#bytesMax) return;
    this.#bytes += size;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [buffer]);
    else free.push(buffer);
  }
}

function roundUp(size: number): number {
  if (size > SIZE_MAX) return size;
  if (size <= SIZE_MIN) return SIZE_MIN;
  return 2 ** (32 - Math.clz32(size - 1));
}
