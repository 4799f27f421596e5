import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";

export interface Claims {
  readonly sub: string;
  readonly aud?: string;
  readonly iss?: string;
  /** Seconds from now; negative for a token that has expired. */
  readonly expiresIn: number;
}

/** A small OpenID provider: client credentials at /token, its keys at /jwks, tokens signed RS256. */
export class TokenProvider {
  readonly #server: Server;
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  readonly #scheme: "http" | "https";
  /** Requests that were made to /token, their bodies. */
  readonly requests: string[] = [];
  /** What the next tokens say. */
  claims: Claims = { sub: "alice", aud: "kafka", iss: "https://issuer.test", expiresIn: 600 };
  /** Answers every request for a token with this status instead. */
  status = 200;

  readonly #credentials: string;

  private constructor(
    credentials: string,
    tls: { readonly key: string; readonly cert: string } | null,
  ) {
    this.#credentials = credentials;
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request).then(([status, body]) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      });
    };
    this.#scheme = tls === null ? "http" : "https";
    this.#server = tls === null ? createServer(listener) : createTlsServer(tls, listener);
  }

  static async start(
    clientId: string,
    secret: string,
    tls: { readonly key: string; readonly cert: string } | null = null,
  ): Promise<TokenProvider> {
    const basic = Buffer.from(`${clientId}:${secret}`).toString("base64");
    const provider = new TokenProvider(`Basic ${basic}`, tls);
    provider.#server.listen(0, "127.0.0.1");
    await once(provider.#server, "listening");
    // A test whose broker does not start ends all the same.
    provider.#server.unref();
    return provider;
  }

  url(path: string): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `${this.#scheme}://127.0.0.1:${address.port}${path}`;
  }

  /** A token signed by this provider's key. */
  token(claims: Claims = this.claims): string {
    const now = Math.floor(Date.now() / 1_000);
    const { expiresIn, ...rest } = claims;
    const payload = { ...rest, iat: now + Math.min(expiresIn, 0) - 60, exp: now + expiresIn };
    const signed = `${encoded({ alg: "RS256", typ: "JWT", kid: "1" })}.${encoded(payload)}`;
    const signature = sign("sha256", Buffer.from(signed), this.#keys.privateKey);
    return `${signed}.${signature.toString("base64url")}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage): Promise<[status: number, body: unknown]> {
    if (request.url === "/jwks") {
      const jwk = this.#keys.publicKey.export({ format: "jwk" });
      return [200, { keys: [{ ...jwk, kid: "1", alg: "RS256", use: "sig" }] }];
    }
    let body = "";
    for await (const chunk of request) body += String(chunk);
    this.requests.push(body);
    if (this.status !== 200) return [this.status, {}];
    if (request.headers.authorization !== this.#credentials)
      return [401, { error: "invalid_client" }];
    const token = this.token();
    return [200, { access_token: token, token_type: "Bearer", expires_in: this.claims.expiresIn }];
  }
}

/** A token without a signature, for Kafka's validator of unsecured tokens. */
export function unsecuredToken(subject: string, expiresInSeconds: number): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub: subject, iat: now - 60, exp: now + expiresInSeconds };
  return `${encoded({ alg: "none" })}.${encoded(claims)}.`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
