/**
 * Unpacking is the one work of the data path whose size a stranger decides. So only a few batches are
 * unpacked at once, and the event loop gets its turn after each MiB: heartbeats and commits go on.
 */
const AT_ONCE_MAX = 4;
const BYTES_PER_TURN = 1024 * 1024;

let running = 0;
let bytesThisTurn = 0;
let nextTurn: Promise<void> | null = null;
const waiting: (() => void)[] = [];

/** The work's result, which counts by its length. */
export async function inTurn(work: () => Buffer | Promise<Buffer>): Promise<Buffer> {
  if (running >= AT_ONCE_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    while (bytesThisTurn >= BYTES_PER_TURN) await turn();
    const result = await work();
    bytesThisTurn += result.length;
    return result;
  } finally {
    // A place is handed on, so that nobody who comes meanwhile takes it.
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

function turn(): Promise<void> {
  nextTurn ??= new Promise((resolve) => {
    setImmediate(() => {
      nextTurn = null;
      bytesThisTurn = 0;
      resolve();
    });
  });
  return nextTurn;
}
