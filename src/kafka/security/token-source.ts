import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { TokenOrigin } from "../../config/security.ts";
import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import { askProvider, type ProviderTrust } from "./token-provider.ts";

export interface Token {
  readonly value: string;
  /** By its own claim, or the provider's word; null where nobody says. */
  readonly expiresAtMs: number | null;
}

export interface TokenSource {
  /** In words: `of file:///run/token`. */
  readonly origin: string;
  /** How to get one that has not expired. */
  readonly renewal: string;
  /** Rejects with AUTHENTICATION_FAILED, TOKEN_UNAVAILABLE or TLS_FAILED. */
  get(): Promise<Token>;
}

export function tokenSource(origin: TokenOrigin, trust: ProviderTrust): TokenSource {
  switch (origin.kind) {
    case "static":
      return {
        origin: "in sasl.oauthbearer.token",
        renewal: "set a new sasl.oauthbearer.token, or let a file or a provider renew it",
        get: async () => checked(origin.token, "sasl.oauthbearer.token"),
      };
    case "file":
      return {
        origin: `of ${origin.url}`,
        renewal: "have the file renewed before that",
        get: () => read(origin.url),
      };
    case "provider":
      return {
        origin: `that ${origin.url} gave to client ${origin.clientId}`,
        renewal: "check the clocks of provider, brokers and this machine",
        get: cached(() => askProvider(origin, trust)),
      };
  }
}

const FILE_BYTES_MAX = 1024 * 1024;

async function read(url: string): Promise<Token> {
  let text: string;
  try {
    text = await readFile(fileURLToPath(url), "utf8");
  } catch (thrown) {
    const message =
      `the token file ${url} cannot be read: ${asError(thrown).message}; ` +
      "check sasl.oauthbearer.token.endpoint.url and the file's permissions";
    throw new OutriggerError("AUTHENTICATION_FAILED", message, { cause: thrown });
  }
  if (text.length > FILE_BYTES_MAX) text = "";
  return checked(text.trim(), url);
}

/** Renewed when this share of its life is over, as the Java client does. */
const RENEWED_AT = 0.8;

/** One request for all connections that ask at once, and none while the last token is good. */
function cached(ask: () => Promise<Token>): () => Promise<Token> {
  let token: Token | null = null;
  let renewAtMs = 0;
  let asking: Promise<Token> | null = null;
  return () => {
    if (token !== null && Date.now() < renewAtMs) return Promise.resolve(token);
    asking ??= ask()
      .then((fresh) => {
        const nowMs = Date.now();
        token = checked(fresh.value, "the provider's answer", fresh.expiresAtMs);
        renewAtMs = nowMs + ((token.expiresAtMs ?? nowMs) - nowMs) * RENEWED_AT;
        return token;
      })
      .finally(() => {
        asking = null;
      });
    return asking;
  };
}

/** RFC 6750: whatever else was in it could end the message early. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

function checked(value: string, where: string, expiresAtMs: number | null = null): Token {
  if (!TOKEN.test(value)) {
    throw new OutriggerError(
      "AUTHENTICATION_FAILED",
      `${where} holds no token: one line of letters, digits and \`-._~+/\` is expected`,
    );
  }
  return { value, expiresAtMs: expiryOf(value) ?? expiresAtMs };
}

/** The `exp` of a JSON Web Token; other tokens say nothing about themselves. */
function expiryOf(token: string): number | null {
  const [, payload] = token.split(".");
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    if (typeof claims !== "object" || claims === null || !("exp" in claims)) return null;
    return typeof claims.exp === "number" ? claims.exp * 1_000 : null;
  } catch {
    return null;
  }
}
