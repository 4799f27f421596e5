import { readFileSync } from "node:fs";

/**
 * HTTP/2's window. Node's HTTP/2 stops reading its socket while a write is under way: where both peers are
 * Node, and each has more unsent bytes than its socket's buffer holds, neither ever reads again. The
 * sidecar's window is 128 KiB, so what an application sends always fits, its writes end, and it
 * reads: its own window may be larger than the buffer. Over TCP buffers begin smaller, and over one
 * of an unusual size nothing was tried: there, both have the same.
 */
const WINDOW_BYTES_UNIX = 256 * 1024;
const WINDOW_BYTES = 128 * 1024;
/** What every HTTP/2 peer starts with. */
export const WINDOW_BYTES_DEFAULT = 65_535;
/** Linux' usual send buffer; below it the default window stays. */
const SEND_BUFFER_BYTES_MIN = 212_992;

/** The window, of the stream and of the connection, that this host's socket buffers allow. */
export function windowBytes(isUnix: boolean): number {
  if (process.platform !== "linux") return WINDOW_BYTES;
  if (sendBufferBytes() < SEND_BUFFER_BYTES_MIN) return WINDOW_BYTES_DEFAULT;
  return isUnix ? WINDOW_BYTES_UNIX : WINDOW_BYTES;
}

function sendBufferBytes(): number {
  try {
    return Number(readFileSync("/proc/sys/net/core/wmem_default", "utf8"));
  } catch {
    return 0;
  }
}
