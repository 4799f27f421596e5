import type { DescService } from "@bufbuild/protobuf";
import type { MethodDefinition } from "@grpc/grpc-js";

/** Turns frames of one message into something else than the generated code does. */
export interface Codec<T> {
  readonly serialize: (value: T) => Buffer;
  readonly deserialize: (bytes: Buffer) => T;
}

/**
 * A gRPC service from protobuf-es' description of it, with the codecs of its one pair of messages: the
 * hot ones among their frames are read and written by hand.
 */
export function serviceDefinition<Request, Response>(
  service: DescService,
  requests: Codec<Request>,
  responses: Codec<Response>,
): Record<string, MethodDefinition<Request, Response>> {
  const definition: Record<string, MethodDefinition<Request, Response>> = {};
  for (const method of service.methods) {
    const kind = method.methodKind;
    definition[method.localName] = {
      path: `/${service.typeName}/${method.name}`,
      originalName: method.localName,
      requestStream: kind === "client_streaming" || kind === "bidi_streaming",
      responseStream: kind === "server_streaming" || kind === "bidi_streaming",
      requestSerialize: requests.serialize,
      requestDeserialize: requests.deserialize,
      responseSerialize: responses.serialize,
      responseDeserialize: responses.deserialize,
    };
  }
  return definition;
}
