import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import type { WireReader, WireWriter } from "./wire.ts";

/** A request of a flexible version (KIP-482) whose body is all in `writer`, tags included. */
export function flexible<T>(
  api: Api,
  version: number,
  writer: WireWriter,
  decode: (reader: WireReader) => T,
): WireRequest<T> {
  return {
    apiKey: api.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.finish()],
    decode,
  };
}
