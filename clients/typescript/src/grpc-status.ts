import type { IncomingHttpHeaders } from "node:http2";
import { constants } from "node:http2";

/** How a call ended. */
export interface Status {
  /** gRPC's number. */
  readonly code: number;
  readonly details: string;
}

export const OK = 0;
export const UNKNOWN = 2;
export const UNIMPLEMENTED = 12;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;
export const UNAUTHENTICATED = 16;
export const CANCELLED = 1;
const PERMISSION_DENIED = 7;

/** As gRPC maps what proxies and servers of other kinds answer. */
const OF_HTTP: Readonly<Record<number, number>> = {
  400: INTERNAL,
  401: UNAUTHENTICATED,
  403: PERMISSION_DENIED,
  404: UNIMPLEMENTED,
  429: UNAVAILABLE,
  502: UNAVAILABLE,
  503: UNAVAILABLE,
  504: UNAVAILABLE,
};

/** What trailers say, or headers where the answer is nothing else; null where they say nothing. */
export function statusIn(headers: IncomingHttpHeaders): Status | null {
  const code = headers["grpc-status"];
  if (code === undefined) return null;
  const details = String(headers["grpc-message"] ?? "");
  return { code: /^\d+$/.test(String(code)) ? Number(code) : UNKNOWN, details: decoded(details) };
}

/** What headers say that begin no answer of gRPC; null where they do. */
export function statusOfHttp(headers: IncomingHttpHeaders): Status | null {
  const http = Number(headers[":status"]);
  if (http !== 200) {
    return { code: OF_HTTP[http] ?? UNKNOWN, details: `the answer is HTTP status ${http}` };
  }
  const type = headers["content-type"] ?? "";
  if (type.startsWith("application/grpc")) return null;
  return { code: UNKNOWN, details: `the answer is of the type "${type}", which is not gRPC's` };
}

/** `NGHTTP2_CANCEL` is called `CANCEL`. */
export function nameOfReset(code: number): string {
  return RESETS.find((name) => constants[name] === code)?.slice("NGHTTP2_".length) ?? `${code}`;
}

const RESETS = [
  "NGHTTP2_NO_ERROR",
  "NGHTTP2_PROTOCOL_ERROR",
  "NGHTTP2_INTERNAL_ERROR",
  "NGHTTP2_FLOW_CONTROL_ERROR",
  "NGHTTP2_SETTINGS_TIMEOUT",
  "NGHTTP2_STREAM_CLOSED",
  "NGHTTP2_FRAME_SIZE_ERROR",
  "NGHTTP2_REFUSED_STREAM",
  "NGHTTP2_CANCEL",
  "NGHTTP2_COMPRESSION_ERROR",
  "NGHTTP2_CONNECT_ERROR",
  "NGHTTP2_ENHANCE_YOUR_CALM",
  "NGHTTP2_INADEQUATE_SECURITY",
  "NGHTTP2_HTTP_1_1_REQUIRED",
] as const;

/** gRPC sends text percent-encoded; what is not is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
