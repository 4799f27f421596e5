import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { type WireReader, WireWriter } from "./wire.ts";

export const SASL_HANDSHAKE: Api = { key: 17, name: "SaslHandshake", oldest: 1, newest: 1 };
/** From v1 on with the session's lifetime (KIP-368). */
export const SASL_AUTHENTICATE: Api = { key: 36, name: "SaslAuthenticate", oldest: 2, newest: 2 };

export interface SaslHandshakeAnswer {
  readonly error: number;
  /** What the listener offers. */
  readonly mechanisms: readonly string[];
}

export function saslHandshakeRequest(
  version: number,
  mechanism: string,
): WireRequest<SaslHandshakeAnswer> {
  return {
    apiKey: SASL_HANDSHAKE.key,
    apiVersion: version,
    flexibleRequest: false,
    flexibleResponse: false,
    parts: [new WireWriter().string(mechanism).finish()],
    decode: decodeHandshake,
  };
}

const MECHANISMS_MAX = 64;

function decodeHandshake(reader: WireReader): SaslHandshakeAnswer {
  const error = reader.int16();
  const mechanisms: string[] = [];
  const count = Math.min(reader.int32(), MECHANISMS_MAX);
  for (let i = 0; i < count; i++) mechanisms.push(reader.string());
  return { error, mechanisms };
}

export interface SaslAuthenticateAnswer {
  readonly error: number;
  readonly message: string | null;
  readonly bytes: Buffer;
  /** After which the broker ends the connection unless it was authenticated again; 0 for never. */
  readonly sessionLifetimeMs: number;
}

export function saslAuthenticateRequest(
  version: number,
  bytes: Buffer,
): WireRequest<SaslAuthenticateAnswer> {
  return {
    apiKey: SASL_AUTHENTICATE.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [new WireWriter(bytes.length + 16).compactBytes(bytes).emptyTags().finish()],
    decode: decodeAuthenticate,
  };
}

function decodeAuthenticate(reader: WireReader): SaslAuthenticateAnswer {
  const error = reader.int16();
  const message = reader.compactNullableString();
  const bytes = reader.compactBytes();
  const sessionLifetimeMs = reader.int64();
  reader.tags();
  return { error, message, bytes, sessionLifetimeMs };
}
