import grpc from "@grpc/grpc-js";
import { ProtobufReader } from "./protobuf-reader.ts";
import {
  DELIMITED,
  delimitedSize,
  optionalSize,
  uintFieldSize,
  writeDelimited,
  writeUintField,
} from "./protobuf-writer.ts";

/** Numbers of grpc.health.v1.HealthCheckResponse.ServingStatus. */
const STATUS = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

export type HealthStatus = "SERVING" | "NOT_SERVING";
type Status = keyof typeof STATUS;
/** An object, because gRPC takes a request that is false for none at all. */
interface Request {
  readonly service: string;
}
type WatchCall = grpc.ServerWritableStream<Request, Status>;

/** Who watches more than this, all streams together, is refused. */
const WATCHERS_MAX = 256;

/**
 * `grpc.health.v1.Health`, as https://github.com/grpc/grpc/blob/master/doc/health-checking.md says it. The
 * messages are a string and a number, so they are read and written here: the package that would do it
 * takes a third of a sidecar's start to read a .proto file with a second implementation of protobuf.
 */
export class Health {
  readonly #statuses: Map<string, HealthStatus>;
  readonly #watchers = new Map<WatchCall, string>();

  constructor(statuses: Readonly<Record<string, HealthStatus>>) {
    this.#statuses = new Map(Object.entries(statuses));
  }

  /** Tells whoever watches, where it is another status than before. */
  set(service: string, status: HealthStatus): void {
    if (this.#statuses.get(service) === status) return;
    this.#statuses.set(service, status);
    for (const [call, watched] of this.#watchers) if (watched === service) call.write(status);
  }

  addTo(server: grpc.Server): void {
    server.addService(DEFINITION, {
      check: (call: { readonly request: Request }, callback: grpc.sendUnaryData<Status>) => {
        const { service } = call.request;
        const status = this.#statuses.get(service);
        if (status !== undefined) return callback(null, status);
        const details = `there is no service ${service}`;
        callback({ code: grpc.status.NOT_FOUND, details });
      },
      list: (_: unknown, callback: grpc.sendUnaryData<ReadonlyMap<string, Status>>) => {
        callback(null, this.#statuses);
      },
      watch: (call: WatchCall) => this.#watch(call),
    });
  }

  /** Without this, a server that shuts down would wait for those who watch. */
  close(): void {
    for (const call of this.#watchers.keys()) call.end();
    this.#watchers.clear();
  }

  #watch(call: WatchCall): void {
    // Always heard, because a stream's error without a listener would end this process.
    call.on("error", () => {});
    if (this.#watchers.size >= WATCHERS_MAX) {
      const details = `${WATCHERS_MAX} streams watch already: watch with fewer`;
      call.emit("error", { code: grpc.status.RESOURCE_EXHAUSTED, details });
      return;
    }
    const { service } = call.request;
    this.#watchers.set(call, service);
    call.on("cancelled", () => this.#watchers.delete(call));
    call.on("close", () => this.#watchers.delete(call));
    call.write(this.#statuses.get(service) ?? "SERVICE_UNKNOWN");
  }
}

/** HealthCheckRequest: the service in field 1. */
function readRequest(bytes: Buffer): Request {
  const reader = new ProtobufReader(bytes);
  let service = "";
  while (reader.next()) {
    if (reader.field === 1 && reader.wireType === DELIMITED) service = reader.string();
    else reader.skip();
  }
  return { service };
}

/** HealthCheckResponse: the status in field 1. */
function writeResponse(status: Status): Buffer {
  const bytes = Buffer.alloc(uintFieldSize(STATUS[status]));
  writeUintField(bytes, 0, 1, STATUS[status]);
  return bytes;
}

/** HealthListResponse: entries of a map in field 1, name and response in fields 1 and 2 of each. */
function writeList(statuses: ReadonlyMap<string, Status>): Buffer {
  const entries = [...statuses].map(([service, status]) => {
    const [name, response] = [Buffer.from(service), writeResponse(status)];
    const size = optionalSize(name.length) + delimitedSize(response.length);
    const entry = Buffer.alloc(delimitedSize(size));
    let at = writeDelimited(entry, 0, 1, size);
    if (name.length > 0) {
      at = writeDelimited(entry, at, 1, name.length);
      at += name.copy(entry, at);
    }
    at = writeDelimited(entry, at, 2, response.length);
    response.copy(entry, at);
    return entry;
  });
  return Buffer.concat(entries);
}

function method<Response>(
  name: string,
  responseSerialize: (value: Response) => Buffer,
  responseStream = false,
): grpc.MethodDefinition<Request, Response> {
  return {
    path: `/grpc.health.v1.Health/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: () => {
      throw new Error("a server writes no requests");
    },
    requestDeserialize: readRequest,
    responseSerialize,
    responseDeserialize: () => {
      throw new Error("a server reads no responses");
    },
  };
}

const DEFINITION: grpc.ServiceDefinition = {
  check: method("Check", writeResponse),
  list: method("List", writeList),
  watch: method("Watch", writeResponse, true),
};
