import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";

/** What the listener answers with, asked anew for each request. */
export interface HttpSources {
  /** Why the sidecar is not ready, in words. */
  readonly unready: () => readonly string[];
  readonly metrics: () => { readonly contentType: string; readonly text: string };
}

export interface HttpListener {
  /** `host:port`, as it listens. */
  readonly address: string;
  close(): Promise<void>;
}

/** Probes and scrapers are few; more than this is not for us. */
const CONNECTIONS_MAX = 64;
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Listens for `/healthz`, `/readyz` and `/metrics`. Nothing here changes anything, and nothing here
 * waits: an answer is what the process knows by itself. Rejects with CONFIG_INVALID where it cannot
 * listen.
 */
export async function listenHttp(
  { host, port }: { readonly host: string; readonly port: number },
  sources: HttpSources,
): Promise<HttpListener> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => answer(request, response, sources),
  );
  server.maxConnections = CONNECTIONS_MAX;
  await listening(server, host, port);
  const bound = server.address();
  const actual = typeof bound === "object" && bound !== null ? bound.port : port;
  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listening(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const text =
        `http.address is ${host}:${port}, and it cannot be listened at ` +
        `(${asError(cause).message}): set another, or \`off\``;
      reject(new OutriggerError("CONFIG_INVALID", text, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

function answer(request: IncomingMessage, response: ServerResponse, sources: HttpSources): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    say(request, response, 405, "the method must be GET");
    return;
  }
  const [path] = (request.url ?? "").split("?");
  switch (path) {
    case "/healthz":
      say(request, response, 200, "alive");
      return;
    case "/readyz": {
      const reasons = sources.unready();
      say(request, response, reasons.length === 0 ? 200 : 503, "ready", reasons);
      return;
    }
    case "/metrics": {
      const { contentType, text } = sources.metrics();
      send(request, response, 200, contentType, text);
      return;
    }
    default:
      say(request, response, 404, "there are /healthz, /readyz and /metrics");
  }
}

/** Lines for a person; JSON for who asks for it. */
function say(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  word: string,
  reasons: readonly string[] = [],
): void {
  const said = reasons.length === 0 ? word : `not ${word}`;
  if (/\bapplication\/json\b/.test(request.headers.accept ?? "")) {
    const text = JSON.stringify({ status: said, reasons });
    send(request, response, status, "application/json", `${text}\n`);
    return;
  }
  const lines = [said, ...reasons.map((reason) => `- ${reason}`)];
  send(request, response, status, "text/plain; charset=utf-8", `${lines.join("\n")}\n`);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  contentType: string,
  text: string,
): void {
  const headers = { "content-type": contentType, "content-length": Buffer.byteLength(text) };
  response.writeHead(status, { ...headers, "cache-control": "no-store" });
  response.end(request.method === "HEAD" ? undefined : text);
}
