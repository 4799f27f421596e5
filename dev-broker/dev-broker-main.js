// The process of the embedded broker: loads kfake's WebAssembly and gives it sockets.
// Prints one line of JSON when it answers; ends with its parent.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { brotliDecompressSync } from "node:zlib";
import "./wasm_exec.js";

const at = (name) => new URL(name, import.meta.url);

function fail(message) {
  process.stderr.write(`outrigger dev broker: ${message}\n`);
  process.exit(1);
}

function loadBroker() {
  const plain = brotliDecompressSync(readFileSync(at("kfake.wasm.br")));
  const expected = readFileSync(at("kfake.wasm.sha256"), "utf8").trim();
  const actual = createHash("sha256").update(plain).digest("hex");
  if (actual !== expected) {
    fail(
      `kfake.wasm.br holds ${actual}, kfake.wasm.sha256 says ${expected}: install the package anew`,
    );
  }
  return plain;
}

/** A free port, found by asking for one. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const wanted = Number(process.argv[process.argv.indexOf("--port") + 1] ?? 0);
const port = Number.isInteger(wanted) && wanted > 0 ? wanted : await freePort();

globalThis.outriggerDevBroker = {
  listen(onPort, accept) {
    const server = createServer({ noDelay: true }, (socket) => {
      const feed = accept(
        (bytes) => socket.write(bytes),
        () => socket.end(),
      );
      socket.on("data", (data) => feed(new Uint8Array(data.buffer, data.byteOffset, data.length)));
      socket.on("close", () => feed(null));
      socket.on("error", () => {});
    });
    server.on("error", (error) => {
      const remedy = error.code === "EADDRINUSE" ? ": choose another port, or leave it out" : "";
      fail(`cannot listen on 127.0.0.1:${onPort} (${error.code})${remedy}`);
    });
    server.listen(onPort, "127.0.0.1", () => {
      process.stdout.write(`${JSON.stringify({ ready: true, port: onPort })}\n`);
    });
  },
  ready() {},
};

for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
// The parent holds the other end of stdin: when it is gone, however it went, so are we.
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdin.resume();

const go = new globalThis.Go();
go.env = { PORT: String(port), TMPDIR: "/tmp" };
const { instance } = await WebAssembly.instantiate(loadBroker(), go.importObject);
await go.run(instance);
