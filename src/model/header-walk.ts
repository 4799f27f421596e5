/** Whether a row has headers: none is an empty range, or a count of zero. */
export function hasHeaders(bytes: Buffer, position: number, end: number): boolean {
  return end > position && bytes[position] !== 0;
}

/**
 * Walks headers in Kafka's record format (varint count; then each: varint key length, key, varint
 * value length with -1 for null, value; varints are zigzag) without making objects: one walk serves
 * all rows of a batch.
 */
export class HeaderWalk {
  keyPosition = 0;
  keyLength = 0;
  valuePosition = 0;
  /** -1 is null. */
  valueLength = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #position = 0;
  #end = 0;

  /** Returns how many headers follow. */
  start(bytes: Buffer, position: number, end: number): number {
    this.#bytes = bytes;
    this.#position = position;
    this.#end = end;
    return this.#varint();
  }

  next(): void {
    this.keyLength = this.#varint();
    this.keyPosition = this.#position;
    this.#position += this.keyLength;
    this.valueLength = this.#varint();
    this.valuePosition = this.#position;
    if (this.valueLength > 0) this.#position += this.valueLength;
    // They were checked when their batch was decoded.
    if (this.#position > this.#end) throw new RangeError("a record's headers run over their end");
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#position++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return (value >>> 1) ^ -(value & 1);
  }
}
