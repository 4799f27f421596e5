import net from "node:net";

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Opens a stream to a broker. `onBytes` gets each piece that arrives; the buffer is reused as soon
 * as it returns. Resolves when connected (for TLS: authenticated); rejects with what went wrong.
 */
export type SocketFactory = (
  address: BrokerAddress,
  onBytes: (piece: Uint8Array, length: number) => void,
  timeoutMs: number,
) => Promise<net.Socket>;

/** As the operating system says it of a peer that takes no connection. */
export function notConnected(timeoutMs: number): Error {
  return Object.assign(new Error(`not connected after ${timeoutMs} ms`), { code: "ETIMEDOUT" });
}

/** Whether a connection could not be opened because the peer said nothing at all. */
export function isNotConnected(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ETIMEDOUT";
}

// Reads of plain sockets are synchronous, so that all of them share one buffer.
const SHARED_READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1024);

/** Plain TCP. */
export const openPlainSocket: SocketFactory = (address, onBytes, timeoutMs) =>
  new Promise((resolve, reject) => {
    const socket = net.connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      keepAlive: true,
      onread: {
        buffer: SHARED_READ_BUFFER,
        callback: (length, piece) => {
          onBytes(piece, length);
          return true;
        },
      },
    });
    const timer = setTimeout(() => socket.destroy(notConnected(timeoutMs)), timeoutMs);
    // Stays for good: an error event that nobody hears would end the process.
    socket.on("error", reject);
    socket.once("close", () => clearTimeout(timer));
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
