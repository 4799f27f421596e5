/**
 * Bytes of the record batches that are written; one record may be larger. Java's default of 16 KiB
 * makes a request of every few records; this is 2.5 times as fast.
 */
export const BATCH_BYTES_MAX = 128 * 1024;
