import type { SaslSettings, SecuritySettings } from "../../config/security.ts";
import type { Log } from "../../ports/log.ts";
import { openPlainSocket, type SocketFactory } from "../network/socket.ts";
import type { Mechanism } from "./mechanism.ts";
import { oauthBearer } from "./oauthbearer.ts";
import { plain } from "./plain.ts";
import { scram } from "./scram.ts";
import { TlsContext } from "./tls-context.ts";
import { tlsSocketFactory } from "./tls-socket.ts";
import type { ProviderTrust } from "./token-provider.ts";
import { tokenSource } from "./token-source.ts";

/** How connections are opened and authenticated, for the data path and the control plane alike. */
export interface Security {
  readonly openSocket: SocketFactory;
  /** Null where the protocol does not encrypt. */
  readonly tls: { readonly context: TlsContext; readonly verifyHost: boolean } | null;
  /** Null where the protocol does not authenticate. */
  readonly mechanism: Mechanism | null;
}

export const PLAINTEXT: Security = { openSocket: openPlainSocket, tls: null, mechanism: null };

/** Throws TLS_FAILED when certificates or key cannot be used. */
export function createSecurity(settings: SecuritySettings, log: Log): Security {
  const context = new TlsContext(settings.tls, log);
  const { verifyHost } = settings.tls;
  const { sasl } = settings;
  const mechanism = sasl === null ? null : mechanismOf(sasl, () => context.trustedWithWellKnown());
  if (!settings.isTls) return { ...PLAINTEXT, mechanism };
  // Faults of the files are told at start, not by each connection.
  context.secureContext();
  const openSocket = tlsSocketFactory(context, verifyHost);
  return { openSocket, tls: { context, verifyHost }, mechanism };
}

function mechanismOf(sasl: SaslSettings, trust: ProviderTrust): Mechanism {
  switch (sasl.mechanism) {
    case "PLAIN":
      return plain(sasl.username, sasl.password);
    case "SCRAM-SHA-256":
    case "SCRAM-SHA-512":
      return scram(sasl.mechanism, sasl.username, sasl.password);
    case "OAUTHBEARER":
      return oauthBearer(tokenSource(sasl.origin, trust), sasl.extensions);
  }
}
