import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import type { TokenOrigin } from "../../config/security.ts";
import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import { isTlsFault, tlsFault } from "./tls-faults.ts";
import type { Token } from "./token-source.ts";

/** Certificates that a provider is checked against, as PEM; null for the well-known ones. */
export type ProviderTrust = () => readonly string[] | null;

type Provider = Extract<TokenOrigin, { kind: "provider" }>;

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/**
 * OAuth 2 client credentials (RFC 6749, 4.4; KIP-768). Rejects with AUTHENTICATION_FAILED when the
 * provider refuses, with TOKEN_UNAVAILABLE when it cannot be reached or is in trouble.
 */
export async function askProvider(provider: Provider, trust: ProviderTrust): Promise<Token> {
  const answer = await post(provider, trust);
  if (answer.status === 429 || answer.status >= 500) {
    throw unavailable(provider, `answered with HTTP status ${answer.status}`);
  }
  const fields = parse(answer.body);
  if (answer.status !== 200) {
    const reason = typeof fields["error"] === "string" ? ` ${fields["error"].slice(0, 80)}` : "";
    throw refused(provider, `HTTP status ${answer.status}${reason}`);
  }
  const value = fields["access_token"];
  if (typeof value !== "string") throw refused(provider, "an answer without access_token");
  const seconds = Number(fields["expires_in"]);
  return { value, expiresAtMs: seconds > 0 ? Date.now() + seconds * 1_000 : null };
}

interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

function post(provider: Provider, trust: ProviderTrust): Promise<HttpAnswer> {
  const { url, clientId, clientSecret, scope } = provider;
  const body = new URLSearchParams({ grant_type: "client_credentials" });
  if (scope !== null) body.set("scope", scope);
  const isTls = url.startsWith("https:");
  const options = {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
      connection: "close",
    },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
  return new Promise((resolve, reject) => {
    const failed = (thrown: unknown): void => {
      const isTrouble = isTls && isTlsFault(thrown);
      reject(
        isTrouble
          ? tlsFault(`the token provider ${url}`, thrown)
          : unavailable(provider, `cannot be reached: ${asError(thrown).message}`, thrown),
      );
    };
    const ca = isTls ? trust() : null;
    const sent = isTls
      ? requestTls(url, { ...options, ...(ca === null ? {} : { ca: [...ca] }) })
      : requestPlain(url, options);
    sent.on("error", failed);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) response.destroy(new Error("a very long answer"));
        else chunks.push(chunk);
      });
      response.on("error", failed);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      });
    });
    sent.end(body.toString());
  });
}

function parse(body: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

function unavailable({ url }: Provider, what: string, cause?: unknown): OutriggerError {
  const message = `the token provider ${url} ${what}`;
  return new OutriggerError("TOKEN_UNAVAILABLE", message, cause === undefined ? {} : { cause });
}

function refused({ url, clientId }: Provider, what: string): OutriggerError {
  return new OutriggerError(
    "AUTHENTICATION_FAILED",
    `the token provider ${url} gave client ${clientId} no token: ${what}; check ` +
      "sasl.oauthbearer.client.credentials.client.id, its secret and sasl.oauthbearer.scope",
  );
}
