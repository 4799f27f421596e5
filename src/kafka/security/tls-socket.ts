import { isIP } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import { type BrokerAddress, notConnected, type SocketFactory } from "../network/socket.ts";
import type { TlsContext } from "./tls-context.ts";

/** What a broker's certificate is checked against; throws TLS_FAILED without usable certificates. */
export function tlsOptions(
  { host, port }: BrokerAddress,
  context: TlsContext,
  verifyHost: boolean,
): ConnectionOptions {
  return {
    host,
    port,
    secureContext: context.secureContext(),
    // Names are sent to brokers behind one address (SNI); addresses must not be.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(verifyHost ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** TCP with TLS. Resolves when the broker's certificate has been checked. */
export function tlsSocketFactory(context: TlsContext, verifyHost: boolean): SocketFactory {
  return async (address, onBytes, timeoutMs) => {
    const socket = connect(tlsOptions(address, context, verifyHost));
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    // Stays for good, and is here before anything can arrive.
    socket.on("data", (piece: Buffer) => onBytes(piece, piece.length));
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(notConnected(timeoutMs)), timeoutMs);
      socket.on("error", reject);
      socket.once("close", () => {
        clearTimeout(timer);
        reject(new Error("closed the connection during the TLS handshake"));
      });
      socket.once("secureConnect", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return socket;
  };
}
