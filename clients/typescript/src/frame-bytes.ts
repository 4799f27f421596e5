type BufferOf = new (memory: ArrayBufferLike, offset: number, length: number) => Buffer;

/**
 * The class that Node's Buffers are of. `subarray` takes three times as long: each call asks for the memory
 * that it shares.
 */
const PartOf = (Buffer as unknown as { readonly [Symbol.species]: BufferOf })[Symbol.species];

/** A frame that came, for parts of it that are not copied. */
export class FrameBytes {
  readonly bytes: Buffer;
  readonly #memory: ArrayBufferLike;
  readonly #offset: number;

  constructor({ buffer, byteOffset, length }: Uint8Array) {
    this.bytes = Buffer.from(buffer, byteOffset, length);
    this.#memory = buffer;
    this.#offset = byteOffset;
  }

  /** From `start` to before `end`, both within the frame. */
  part(start: number, end: number): Buffer {
    return new PartOf(this.#memory, this.#offset + start, end - start);
  }
}
