import avsc from "avsc";
import type { Codec } from "./schema-registry.ts";

/**
 * Avro, by avsc: writes with `schema`, and reads what any other version wrote as Avro resolves the
 * two. 64-bit integers beyond 2^53 are refused; see avsc's `types.LongType` for others.
 */
export function avro<T>(schema: string): (writer: string) => Codec<T> {
  const type = avsc.Type.forSchema(JSON.parse(schema));
  return (writer) => {
    const written = avsc.Type.forSchema(JSON.parse(writer));
    const resolver = type.createResolver(written);
    return {
      encode: (value) => type.toBuffer(value),
      decode: (payload) => type.fromBuffer(Buffer.from(payload), resolver) as T,
    };
  };
}
