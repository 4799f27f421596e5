/** What stands before each of gRPC's messages: whether it is compressed, and its length. */
export const PREFIX_BYTES = 5;

/** Writes the prefix of a message that fills what is behind it. */
export function writePrefix(message: Uint8Array): void {
  const length = message.length - PREFIX_BYTES;
  message[0] = 0;
  message[1] = length >>> 24;
  message[2] = length >>> 16;
  message[3] = length >>> 8;
  message[4] = length;
}

/** The content behind its prefix, in memory of its own. */
export function prefixed(content: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(PREFIX_BYTES + content.length);
  message.set(content, PREFIX_BYTES);
  writePrefix(message);
  return message;
}

/**
 * Puts messages together that come in pieces. One that lies within a piece is handed on as a part of it,
 * another is copied once, into memory of its length: of those that come in, one is held at most.
 */
export class MessageReader {
  readonly #bytesMax: number;
  readonly #received: (message: Buffer) => void;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  /** The one that is not whole yet; null between two. */
  #message: Buffer | null = null;
  #messageBytes = 0;

  constructor(bytesMax: number, received: (message: Buffer) => void) {
    this.#bytesMax = bytesMax;
    this.#received = received;
  }

  /** Whether a message has begun and is not whole. */
  get isAmidst(): boolean {
    return this.#prefixBytes > 0 || this.#message !== null;
  }

  /** Throws where the message is compressed, which nobody asked for, or larger than what is taken. */
  take(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      at = this.#message === null ? this.#begin(piece, at) : this.#go(this.#message, piece, at);
    }
  }

  /** Reads a prefix, and the message where it is whole; returns where it stands in the piece. */
  #begin(piece: Buffer, from: number): number {
    const content = from + PREFIX_BYTES - this.#prefixBytes;
    piece.copy(this.#prefix, this.#prefixBytes, from, content);
    if (content > piece.length) {
      this.#prefixBytes += piece.length - from;
      return piece.length;
    }
    this.#prefixBytes = 0;
    const length = this.#length();
    if (content + length <= piece.length) {
      this.#received(piece.subarray(content, content + length));
      return content + length;
    }
    this.#message = Buffer.allocUnsafeSlow(length);
    this.#messageBytes = 0;
    return content;
  }

  #go(message: Buffer, piece: Buffer, from: number): number {
    const copied = piece.copy(message, this.#messageBytes, from);
    this.#messageBytes += copied;
    if (this.#messageBytes === message.length) {
      this.#message = null;
      this.#received(message);
    }
    return from + copied;
  }

  #length(): number {
    const flag = this.#prefix[0];
    const length = this.#prefix.readUInt32BE(1);
    if (flag === 1) {
      throw new Error(`a message of ${length} bytes came compressed, which nobody asked for`);
    }
    if (flag !== 0) throw new Error(`a message's first byte is ${flag}: this is no gRPC`);
    if (length > this.#bytesMax) {
      throw new RangeError(`a message of ${length} bytes came, the most is ${this.#bytesMax}`);
    }
    return length;
  }
}
