import type { Writable } from "node:stream";

/**
 * Resolves when all that was given to the stream has left, or never will. A pipe takes what it has room
 * for, and what is left would be lost with the process.
 */
export function written(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    // Whoever reads no more wants no more, as `head` does.
    stream.on("error", () => resolve());
    stream.write("", () => resolve());
  });
}
