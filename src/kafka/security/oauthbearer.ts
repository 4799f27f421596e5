import type { Mechanism } from "./mechanism.ts";
import type { TokenSource } from "./token-source.ts";

const SEPARATOR = "\x01";

/** SASL/OAUTHBEARER (RFC 7628), with SASL extensions (KIP-342). */
export function oauthBearer(
  source: TokenSource,
  extensions: ReadonlyMap<string, string>,
): Mechanism {
  let expiresAtMs: number | null = null;
  return {
    name: "OAUTHBEARER",
    who: `the token ${source.origin}`,
    remedy: () => {
      if (expiresAtMs !== null && expiresAtMs <= Date.now()) {
        return `it expired at ${new Date(expiresAtMs).toISOString()}: ${source.renewal}`;
      }
      return "check its issuer, audience and signature against what the brokers expect";
    },
    begin: async () => {
      const token = await source.get();
      expiresAtMs = token.expiresAtMs;
      const pairs = [...extensions].map(([key, value]) => `${key}=${value}${SEPARATOR}`);
      const said = `n,,${SEPARATOR}auth=Bearer ${token.value}${SEPARATOR}${pairs.join("")}${SEPARATOR}`;
      return {
        first: Buffer.from(said),
        // An answer that is not empty is the reason of a refusal; the broker waits for this before
        // it refuses (RFC 7628, 3.2.3).
        next: async (challenge) => (challenge.length === 0 ? null : Buffer.from(SEPARATOR)),
      };
    },
  };
}
