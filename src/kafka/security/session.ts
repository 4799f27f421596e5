import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import type { Connection } from "../network/connection.ts";
import { Backoff, isRetriable } from "../network/retry.ts";
import type { ApiVersions } from "../protocol/api-versions.ts";
import { authenticate } from "./authenticate.ts";
import type { Mechanism } from "./mechanism.ts";

/** When of its lifetime a session is renewed, drawn anew each time, as the Java client does. */
const RENEWED_FROM = 0.85;
const RENEWED_TO = 0.95;
/** A broker takes an earlier renewal for a request that is out of place. */
const RENEWED_AFTER_MS_MIN = 1_050;
const TIMER_MS_MAX = 2 ** 31 - 1;

interface Limits {
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

/**
 * Authenticates a new connection, and again before each end of its session (KIP-368), for as long as
 * it is open. Where a renewal is refused, the connection ends with that reason. Where only the token
 * provider cannot be reached, it is asked again; the broker ends the connection in its time. The answer
 * ends the renewals; call it when the connection has ended.
 */
export async function keepAuthenticated(
  connection: Connection,
  mechanism: Mechanism,
  versions: ApiVersions,
  limits: Limits,
): Promise<() => void> {
  let timer: NodeJS.Timeout | null = null;
  const once = async (): Promise<number> => {
    // The token comes first: what others send is held back for the exchange alone.
    const exchange = await mechanism.begin();
    return connection.alone((send) =>
      authenticate(connection.name, mechanism, exchange, versions, send),
    );
  };
  const renewIn = (ms: number, backoff: Backoff): void => {
    timer = setTimeout(
      () => {
        if (connection.ended !== null) return;
        once().then(
          (lifetimeMs) => renewSession(lifetimeMs),
          (thrown: unknown) => {
            if (isRetriable(thrown) && connection.ended === null) {
              renewIn(backoff.next(), backoff);
              return;
            }
            connection.close(asAuthenticationError(thrown));
          },
        );
      },
      Math.min(ms, TIMER_MS_MAX),
    );
  };
  const renewSession = (lifetimeMs: number): void => {
    if (lifetimeMs <= 0) return;
    const share = RENEWED_FROM + Math.random() * (RENEWED_TO - RENEWED_FROM);
    renewIn(Math.max(lifetimeMs * share, RENEWED_AFTER_MS_MIN), new Backoff(limits));
  };
  renewSession(await once());
  return () => {
    if (timer !== null) clearTimeout(timer);
  };
}

function asAuthenticationError(thrown: unknown): OutriggerError {
  if (thrown instanceof OutriggerError) return thrown;
  const { message } = asError(thrown);
  return new OutriggerError("AUTHENTICATION_FAILED", message, { cause: thrown });
}
