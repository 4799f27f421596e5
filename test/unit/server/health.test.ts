import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import grpc from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { Health } from "../../../src/server/health.ts";

type Answer = Readonly<Record<string, unknown>>;
type Callback = (error: grpc.ServiceError | null, answer: Answer) => void;
type Ask = (request: Answer, callback: Callback) => void;
type Watcher = (request: Answer) => grpc.ClientReadableStream<{ readonly status: string }>;

/** Asked by gRPC's own client, whose messages come from the .proto file. */
describe("the health service", () => {
  const health = new Health({ "": "SERVING", work: "NOT_SERVING" });
  const server = new grpc.Server();
  let client: grpc.Client & Record<string, unknown>;

  before(async () => {
    health.addTo(server);
    const port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const Client = grpc.makeGenericClientConstructor(healthService as grpc.ServiceDefinition, "h");
    client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  });
  after(() => {
    client.close();
    server.forceShutdown();
  });

  function ask(method: string, request: Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = (client[method] as Ask).bind(client);
      call(request, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  }

  function watch(service: string) {
    const stream = (client["watch"] as Watcher).call(client, { service });
    stream.on("error", () => {});
    return { stream, statuses: stream[Symbol.asyncIterator]() };
  }

  it("answers for each service, and knows no other", async () => {
    assert.deepEqual(await ask("check", { service: "" }), { status: "SERVING" });
    assert.deepEqual(await ask("check", { service: "work" }), { status: "NOT_SERVING" });
    await assert.rejects(ask("check", { service: "other" }), { code: grpc.status.NOT_FOUND });
  });

  it("lists them all", async () => {
    const { statuses } = await ask("list", {});
    assert.deepEqual(statuses, { "": { status: "SERVING" }, work: { status: "NOT_SERVING" } });
  });

  it("tells who watches at once, and again at each change, and of none that is none", async () => {
    const { stream, statuses } = watch("work");
    const unknown = watch("other");
    assert.equal((await statuses.next()).value.status, "NOT_SERVING");
    assert.equal((await unknown.statuses.next()).value.status, "SERVICE_UNKNOWN");
    health.set("work", "NOT_SERVING");
    health.set("work", "SERVING");
    assert.equal((await statuses.next()).value.status, "SERVING");
    health.set("work", "NOT_SERVING");
    assert.equal((await statuses.next()).value.status, "NOT_SERVING");
    stream.cancel();
    unknown.stream.cancel();
  });

  it("ends the streams of those who watch when it is closed", async () => {
    const { statuses } = watch("work");
    await statuses.next();
    health.close();
    assert.equal((await statuses.next()).done, true);
  });
});
