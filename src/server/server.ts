import grpc from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { ProcessorService } from "../gen/outrigger/v1/processor_pb.ts";
import type {
  Application,
  ApplicationListener,
  DispatchedBatch,
  WorkerHello,
  WorkerId,
} from "../ports/application.ts";
import { listenAddress, prepareSocket, protectSocket } from "./address.ts";
import { encodeBatch } from "./encode-batch.ts";
import { windowBytes, withWindow } from "./flow-control.ts";
import { decodeRequest, encodeResponse, type RequestFrame } from "./frames.ts";
import { SendQueue } from "./send-queue.ts";
import { serviceDefinition } from "./service-definition.ts";
import { declaredTopology } from "./topology.ts";

export async function createApplicationServer(
  options: { address?: string | null; directory?: string; maxFrameBytes: number },
  listener: ApplicationListener,
): Promise<Application & { readonly address: string }> {
  const at = listenAddress({
    ...(options.address ? { address: options.address } : {}),
    ...(options.directory ? { directory: options.directory } : {}),
  });
  const server = new grpc.Server({
    "grpc.max_receive_message_length": options.maxFrameBytes,
    "grpc.max_send_message_length": -1,
  });
  const workers = new Map<WorkerId, SendQueue>();
  let next = 1;
  const definition = serviceDefinition<RequestFrame, Buffer>(
    ProcessorService,
    { serialize: () => Buffer.alloc(0), deserialize: decodeRequest },
    { serialize: (b) => b, deserialize: (b) => b },
  );
  const process = (call: grpc.ServerDuplexStream<RequestFrame, Buffer>): void => {
    const id = next++;
    const queue = new SendQueue(call, 64 << 20);
    workers.set(id, queue);
    call.on("drain", () => queue.drained());
    const gone = (reason: string): void => {
      if (!workers.delete(id)) return;
      listener.disconnected(id, reason);
    };
    call.on("data", (f: RequestFrame) => {
      if (!workers.has(id)) return;
      if (f.kind === "malformed") return app.reject(id, f.error);
      if (f.kind === "result") return listener.answered(id, f.answer);
      const { frame } = f;
      if (frame.case === "hello") {
        const h = frame.value;
        const hello: WorkerHello = {
          topology: declaredTopology(h.topology as never),
          applicationId: h.applicationId,
          sdk: h.sdk?.name ?? "",
          creditBatches: 4,
          creditBytes: 2 << 20,
        };
        listener.connected(id, hello);
      } else if (frame.case === "handBack") {
        const { dispatchId, taskEpoch, taskId } = frame.value;
        listener.handedBack(id, { taskName: taskId, taskEpoch, dispatchId: Number(dispatchId) });
      }
    });
    call.on("end", () => {
      gone("end");
      call.end();
    });
    call.on("error", (e) => gone(e.message));
    call.on("cancelled", () => gone("cancelled"));
  };
  server.addService(definition, { process });
  const health = new HealthImplementation({ "": "SERVING" });
  health.addToServer(server);
  const app: Application & { address: string } = {
    address: at.kind === "unix" ? `unix:${at.path}` : `${at.host}:${at.port}`,
    welcome: (worker, programs) =>
      void workers.get(worker)?.send(
        encodeResponse({
          case: "welcome",
          value: {
            protocolMinor: 1,
            sidecarVersion: "0.1.0",
            applicationId: "x",
            sources: [...(programs[0]?.sources ?? [])],
            stages: programs.flatMap(({ stage, stores }) =>
              stage === null
                ? []
                : [
                    {
                      entries: [...stage.entries],
                      stores: stage.stores.map((s) => stores[s.store]?.name ?? ""),
                      sinks: stage.sinks.map((s) => s.node),
                    },
                  ],
            ),
          },
        }),
      ),
    reject: (worker, error) => {
      workers
        .get(worker)
        ?.end(
          encodeResponse({ case: "reject", value: { code: error.code, message: error.message } }),
        );
    },
    dispatch: (worker, batch: DispatchedBatch) => {
      const bytes = encodeBatch(batch);
      workers.get(worker)?.send(bytes);
      return bytes.length;
    },
    revoke: (worker, taskId, taskEpoch) =>
      void workers
        .get(worker)
        ?.send(encodeResponse({ case: "revoked", value: { taskId, taskEpoch } })),
    answerState: (worker, requestId, values) => {
      const value =
        values instanceof OutriggerError
          ? { requestId, error: values.message }
          : {
              requestId,
              values: values.map((v) => v ?? new Uint8Array()),
              absent: values.flatMap((v, i) => (v === null ? [i] : [])),
            };
      workers.get(worker)?.send(encodeResponse({ case: "stateResponse", value }));
    },
    drain: (timeoutMs) => {
      for (const q of workers.values())
        q.send(encodeResponse({ case: "drain", value: { timeoutMs } }));
    },
    setServing: (serving) =>
      health.setStatus("outrigger.v1.ProcessorService", serving ? "SERVING" : "NOT_SERVING"),
    close: async () => {
      for (const q of workers.values()) q.end();
      server.forceShutdown();
    },
  };
  if (at.kind === "unix") await prepareSocket(at.path);
  await withWindow(
    windowBytes(),
    () =>
      new Promise<void>((resolve, reject) =>
        server.bindAsync(app.address, grpc.ServerCredentials.createInsecure(), (e) =>
          e ? reject(e) : resolve(),
        ),
      ),
  );
  if (at.kind === "unix") protectSocket(at.path);
  return app;
}
