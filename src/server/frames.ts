import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import {
  type ProcessRequest,
  ProcessRequestSchema,
  ProcessResponseSchema,
} from "../gen/outrigger/v1/processor_pb.ts";
import type { BatchAnswer } from "../ports/application.ts";
import { ResultReader } from "./decode-result.ts";
import { malformed, ProtobufReader } from "./protobuf-reader.ts";
import { DELIMITED } from "./protobuf-writer.ts";

const REQUEST_RESULT = 2;
/** The numbers of the oneof's members, `hello` to `chunk`. */
const REQUEST_FRAME_MAX = 7;

/** A frame of a worker: results by hand, everything else by the generated code. */
export type RequestFrame =
  | { readonly kind: "result"; readonly answer: BatchAnswer }
  | { readonly kind: "message"; readonly frame: ProcessRequest["frame"] }
  | { readonly kind: "malformed"; readonly error: OutriggerError };

/** Reads a frame. Never throws: gRPC would end the stream without a word to the worker. */
export function decodeRequest(bytes: Buffer): RequestFrame {
  try {
    const answer = decodeResult(bytes);
    if (answer !== null) return { kind: "result", answer };
    return { kind: "message", frame: fromBinary(ProcessRequestSchema, bytes).frame };
  } catch (thrown) {
    const known = thrown instanceof OutriggerError;
    return { kind: "malformed", error: known ? thrown : malformed(asError(thrown).message) };
  }
}

/** The answer of a frame that holds a `BatchResult`; null for every other frame. */
function decodeResult(bytes: Buffer): BatchAnswer | null {
  const reader = new ProtobufReader(bytes);
  let result: ResultReader | null = null;
  let others = 0;
  while (reader.next()) {
    if (reader.wireType !== DELIMITED || reader.field > REQUEST_FRAME_MAX) {
      reader.skip();
    } else if (reader.field === REQUEST_RESULT) {
      result ??= new ResultReader();
      const outer = reader.enter();
      result.read(reader);
      reader.leave(outer);
    } else {
      others++;
      reader.skip();
    }
  }
  if (result === null) return null;
  if (others > 0) throw malformed("it holds a result and another frame; send one at a time");
  return result.finish(bytes);
}

/** A frame for a worker; batches are written by `encodeBatch`. */
export type ResponseFrame = Exclude<
  NonNullable<MessageInitShape<typeof ProcessResponseSchema>["frame"]>,
  { readonly case: "batch" } | { readonly case?: undefined }
>;

export function encodeResponse(frame: ResponseFrame): Buffer {
  const bytes = toBinary(ProcessResponseSchema, create(ProcessResponseSchema, { frame }));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
