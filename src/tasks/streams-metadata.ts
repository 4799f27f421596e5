/**
 * What Kafka Streams writes as metadata of a committed offset, in base64: its version (1 or 2), the
 * partition's time as an int64, and from version 2 on what processors keep there.
 */
const VERSIONS = [1, 2];
const TIME_BYTES = 8;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The greatest timestamp that it had read of the partition, -1 where it had none; null for other text. */
export function decodeStreamsMetadata(text: string): number | null {
  if (!BASE64.test(text) || text.length % 4 !== 0) return null;
  const bytes = Buffer.from(text, "base64");
  const [version = 0] = bytes;
  if (!VERSIONS.includes(version) || bytes.length < 1 + TIME_BYTES) return null;
  if (version === 1 && bytes.length !== 1 + TIME_BYTES) return null;
  const time = Number(bytes.readBigInt64BE(1));
  return Number.isSafeInteger(time) && time >= -1 ? time : null;
}
