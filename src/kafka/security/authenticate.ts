import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import type { WireRequest } from "../network/connection.ts";
import type { ApiVersions } from "../protocol/api-versions.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import {
  SASL_AUTHENTICATE,
  SASL_HANDSHAKE,
  saslAuthenticateRequest,
  saslHandshakeRequest,
} from "../protocol/sasl.ts";
import type { Exchange, Mechanism } from "./mechanism.ts";

export type Send = <T>(request: WireRequest<T>) => Promise<T>;

/** A refused token is answered in JSON (RFC 7628). */
const TOKEN_REFUSED = /^\{"status":"([^"]*)".*\}$/;

/** Messages of the longest mechanism, and room: a broker that goes on asking is not one. */
const ROUNDS_MAX = 8;

/**
 * Handshake and exchange, on a connection where nothing else is sent meanwhile; resolves with the
 * session's lifetime in ms, 0 for no end. Rejects with AUTHENTICATION_FAILED.
 */
export async function authenticate(
  broker: string,
  mechanism: Mechanism,
  exchange: Exchange,
  versions: ApiVersions,
  send: Send,
): Promise<number> {
  const handshake = await send(saslHandshakeRequest(versions.pick(SASL_HANDSHAKE), mechanism.name));
  checkHandshake(broker, mechanism, handshake.error, handshake.mechanisms);
  const version = versions.pick(SASL_AUTHENTICATE);
  let said: Buffer | null = exchange.first;
  let lifetimeMs = 0;
  for (let round = 0; said !== null; round++) {
    if (round === ROUNDS_MAX) throw refused(broker, mechanism, "it asks without an end");
    const answer = await send(saslAuthenticateRequest(version, said));
    if (answer.error !== ERROR.NONE) {
      const reason = (answer.message ?? errorName(answer.error)).replace(TOKEN_REFUSED, "$1");
      throw refused(broker, mechanism, reason);
    }
    lifetimeMs = answer.sessionLifetimeMs;
    try {
      said = await exchange.next(answer.bytes);
    } catch (thrown) {
      throw distrusted(broker, mechanism, thrown);
    }
  }
  return lifetimeMs;
}

function checkHandshake(
  broker: string,
  { name }: Mechanism,
  code: number,
  offered: readonly string[],
): void {
  switch (code) {
    case ERROR.NONE:
      return;
    case ERROR.UNSUPPORTED_SASL_MECHANISM:
      throw failed(
        `broker ${broker} does not offer ${name}, but ${offered.join(", ") || "nothing"}: set ` +
          "sasl.mechanism to one of these",
      );
    case ERROR.ILLEGAL_SASL_STATE:
      throw failed(
        `broker ${broker} does not authenticate by SASL on this port; dial its SASL listener, or ` +
          "set security.protocol to PLAINTEXT or SSL",
      );
    default:
      throw failed(`broker ${broker} refused the SASL handshake: ${errorName(code)}`);
  }
}

function refused(broker: string, mechanism: Mechanism, reason: string): OutriggerError {
  const { name, who } = mechanism;
  return failed(`broker ${broker} refused ${who} by ${name}: ${reason}; ${mechanism.remedy()}`);
}

function distrusted(broker: string, { name }: Mechanism, thrown: unknown): OutriggerError {
  const text =
    `broker ${broker} failed to prove itself by ${name}: ${asError(thrown).message}; make sure ` +
    "that this is a broker of yours";
  return new OutriggerError("AUTHENTICATION_FAILED", text, { cause: thrown });
}

function failed(message: string): OutriggerError {
  return new OutriggerError("AUTHENTICATION_FAILED", message);
}
