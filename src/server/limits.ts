/** The minor versions of `outrigger.v1` that this sidecar speaks. */
export const PROTOCOL_MINORS = { min: 1, max: 6 } as const;

/** What a worker receives at most where it does not say, and the least that it may say. */
export const MAX_FRAME_BYTES_DEFAULT = 4 * 1024 * 1024;
export const MAX_FRAME_BYTES_MIN = 1024 * 1024;

/** From this minor version on frames may travel in chunks. */
export const CHUNKS_SINCE_MINOR = 4;
/** The least that a chunk holds which is not the last: what a frame costs to collect stays in proportion. */
export const CHUNK_BYTES_MIN = 64 * 1024;

/** Credit of a worker that asks for none, and the most that one is given. */
export const CREDIT_BATCHES_DEFAULT = 6;
export const CREDIT_BYTES_DEFAULT = 2 * 1024 * 1024;
export const CREDIT_BATCHES_MAX = 64;
export const CREDIT_BYTES_MAX = 32 * 1024 * 1024;

/** Questions for state that a worker may have open. */
export const QUESTIONS_MAX = 1024;
/** Keys that one question may name. */
export const QUESTION_KEYS_MAX = 10_000;
/** Entries, and bytes, that a page of a range holds: within the smallest frame that a worker may take. */
export const RANGE_ENTRIES_MAX = 1_000;
export const RANGE_BYTES_MAX = 512 * 1024;
/** What an entry takes in a frame besides its key and value, at most. */
export const RANGE_ENTRY_BYTES = 16;

/** Frames held back for one worker that does not read: above what its credit allows. */
export const SEND_QUEUE_BYTES_MAX = 2 * CREDIT_BYTES_MAX;

/** Bytes of frames that are kept to be filled again, over all workers. */
export const FRAMES_POOLED_MAX = 4 * 1024 * 1024;

/** How long a stream may stay open without a `Hello`. */
export const HELLO_TIMEOUT_MS = 10_000;

/** How long streams may take to end when the server closes. */
export const CLOSE_TIMEOUT_MS = 2_000;

/** Connected workers. */
export const WORKERS_MAX = 256;

/** A worker's line for the log, in characters. */
export const LOG_LINE_MAX = 4_096;
