/** The other Node peer of the flow control test: writes `argv[3]` messages, takes as many, exits. */
import grpc from "@grpc/grpc-js";

const [target = "", count = "0", bytes = "0", window = "0"] = process.argv.slice(2);
const client = new grpc.Client(target, grpc.credentials.createInsecure(), {
  "grpc.max_receive_message_length": -1,
  "grpc-node.flow_control_window": Number(window),
});
const same = (message: Buffer): Buffer => message;
const stream = client.makeBidiStreamRequest("/test/Flood", same, same);
let taken = 0;
stream.on("data", () => {
  taken += 1;
  if (taken < Number(count)) return;
  stream.end();
  client.close();
});
stream.on("error", (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
for (let i = 0; i < Number(count); i++) stream.write(Buffer.alloc(Number(bytes)));
