// What the stream costs for each batch: processor time of the application's process for getting batches of
// 60 KB over a Unix socket and answering them with as much. They are of few records, and the code does
// nothing with them, so that it is the stream that counts; `rows.mjs` has the rest. Another process plays the
// sidecar. `node clients/typescript/scripts/stream.mjs [folder of a build] [batches in flight]`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { create, toBinary } from "@bufbuild/protobuf";

const [dist = new URL("../dist", import.meta.url).pathname, inFlight = "2", path] =
  process.argv.slice(2);
const pb = await import(`${dist}/gen/outrigger/v1/processor_pb.js`);

const ROWS = 5;
const VALUE_BYTES = 12_000;
const BATCHES = 2_000;
const ROUNDS = 7;

function message(frame) {
  const bytes = toBinary(pb.ProcessResponseSchema, create(pb.ProcessResponseSchema, { frame }));
  const framed = Buffer.alloc(5 + bytes.length);
  framed.writeUInt32BE(bytes.length, 1);
  framed.set(bytes, 5);
  return framed;
}

function batch() {
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  const keys = rows.map((row) => Buffer.from(`key-${row}`));
  const values = rows.map((row) => Buffer.alloc(VALUE_BYTES, row));
  const segments = [{ baseTimestamp: 1_700_000_000_000n, keys, values, timestampDeltas: rows }];
  return message({
    case: "batch",
    value: { dispatchId: 1n, taskEpoch: 1, taskId: "0_0", segments },
  });
}

/** Sends a batch for each result, counted by gRPC's prefixes. */
function playSidecar() {
  const stage = { entries: ["code"], sinks: ["out"] };
  const value = { protocolMinor: 6, applicationId: "stream", sources: ["in"], stages: [stage] };
  const [welcome, each] = [message({ case: "welcome", value }), batch()];
  const server = createServer({ settings: { initialWindowSize: 131_072 } });
  server.on("session", (session) => session.setLocalWindowSize(131_072));
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(welcome);
    let [rest, sent, isGreeted] = [Buffer.alloc(0), 0, false];
    stream.on("data", (piece) => {
      rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
        rest = rest.subarray(5 + rest.readUInt32BE(1));
        // The first is the hello.
        const count = isGreeted ? 1 : Number(inFlight);
        isGreeted = true;
        for (let at = 0; at < count && sent < BATCHES * (ROUNDS + 1); at++) {
          stream.write(each);
          sent += 1;
        }
      }
    });
  });
  server.listen(path, () => process.stdout.write("listening\n"));
  process.stdin.on("end", () => process.exit()).resume();
}

async function measure() {
  const { createApp } = await import(`${dist}/index.js`);
  const folder = mkdtempSync(join(tmpdir(), "outrigger-stream-"));
  const socket = join(folder, "s.sock");
  const args = [process.argv[1], dist, inFlight, socket];
  const sidecar = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  await once(createInterface({ input: sidecar.stdout }), "line");
  const stop = new AbortController();
  let [rows, begun] = [0, process.cpuUsage()];
  const took = [];
  const app = createApp({ address: `unix:${socket}` });
  app
    .stream("in")
    .mapValues(
      (value) => {
        rows += 1;
        if (rows % (ROWS * BATCHES) === 0) {
          const { user, system } = process.cpuUsage(begun);
          took.push((user + system) / BATCHES);
          begun = process.cpuUsage();
          if (took.length > ROUNDS) stop.abort();
        }
        return value;
      },
      { name: "code" },
    )
    .to("out", {}, { name: "out" });
  await app.run({ signal: stop.signal });
  sidecar.stdin.end();
  await once(sidecar, "exit");
  rmSync(folder, { recursive: true });
  // The first round is for the compiler.
  const [median] = took
    .slice(1)
    .sort((a, b) => a - b)
    .slice(ROUNDS >> 1);
  process.stdout.write(`${median.toFixed(0)} µs a batch\n`);
}

if (path === undefined) await measure();
else playSidecar();
