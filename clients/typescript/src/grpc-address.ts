import type { NetConnectOpts } from "node:net";

/** Where a sidecar listens. */
export interface Address {
  readonly socket: NetConnectOpts;
  readonly isUnix: boolean;
  /** What `:authority` says. */
  readonly authority: string;
}

const UNIX = /^unix:(?:\/\/(?=\/))?(.+)$/;
const TCP = /^(?:\[([^\]]+)\]|([^:\s/[\]]+)):(\d{1,5})$/;

/** Reads `unix:/path` or `host:port`. Throws an Error for what is neither. */
export function addressOf(text: string): Address {
  const path = UNIX.exec(text)?.[1];
  if (path !== undefined) return { socket: { path }, isUnix: true, authority: "localhost" };
  const [, bracketed, plain, digits] = TCP.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) {
    throw new Error(`"${text}" is no address of a sidecar: write unix:/path, or host:port`);
  }
  return { socket: { host, port, noDelay: true }, isUnix: false, authority: text };
}
