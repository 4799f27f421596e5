/** Why a stream ends that does not keep to gRPC: a status code of it, and words. */
export class StreamFault extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;

/** In front of each message: a flag, and its length (gRPC over HTTP2, Length-Prefixed-Message). */
export const PREFIX_BYTES = 5;

/**
 * Puts the messages of one gRPC stream together from the pieces that HTTP/2 delivers. A message within
 * one piece is a slice of it; any other is copied once, into a buffer of its own.
 */
export class MessageReader {
  readonly #bytesMax: number;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  #message: Buffer | null = null;
  #messageBytes = 0;

  /** `bytesMax` bounds one message. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether the stream may end here. */
  get isBetween(): boolean {
    return this.#prefixBytes === 0 && this.#message === null;
  }

  /** The messages that end in this piece. Throws a `StreamFault` where one is compressed, or too long. */
  *read(piece: Buffer): Generator<Buffer> {
    let at = 0;
    while (at < piece.length) {
      if (this.#message === null) {
        const copied = piece.copy(this.#prefix, this.#prefixBytes, at);
        at += copied;
        this.#prefixBytes += copied;
        if (this.#prefixBytes < PREFIX_BYTES) return;
        const length = this.#lengthOf();
        this.#prefixBytes = 0;
        if (piece.length - at >= length) {
          yield piece.subarray(at, at + length);
          at += length;
          continue;
        }
        this.#message = Buffer.allocUnsafeSlow(length);
        this.#messageBytes = 0;
      }
      const message = this.#message;
      const copied = piece.copy(message, this.#messageBytes, at);
      at += copied;
      this.#messageBytes += copied;
      if (this.#messageBytes < message.length) return;
      this.#message = null;
      yield message;
    }
  }

  #lengthOf(): number {
    if (this.#prefix[0] !== 0) {
      const text = "a message is compressed, and no compression was agreed on; send it as it is";
      throw new StreamFault(UNIMPLEMENTED, text);
    }
    const length = this.#prefix.readUInt32BE(1);
    if (length <= this.#bytesMax) return length;
    const text = `a frame has ${length} bytes, and the sidecar takes ${this.#bytesMax}; send it in chunks`;
    throw new StreamFault(RESOURCE_EXHAUSTED, text);
  }
}

/** What stands in front of a message of so many bytes. */
export function prefixOf(bytes: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(bytes, 1);
  return prefix;
}
