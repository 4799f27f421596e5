import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import { CODEC_NAMES, type Codec, type CodecName } from "./codec.ts";
import { gzipCodec } from "./gzip.ts";
import { loadLz4 } from "./lz4.ts";
import { loadSnappy } from "./snappy.ts";
import { loadZstd } from "./zstd.ts";

const LOADERS: Readonly<Record<Exclude<CodecName, "none">, () => Codec | Promise<Codec>>> = {
  gzip: () => gzipCodec,
  snappy: loadSnappy,
  lz4: loadLz4,
  zstd: loadZstd,
};

const loading = new Map<CodecName, Promise<Codec>>();

/** Loaded when first asked for. Rejects with COMPRESSION_UNSUPPORTED where this platform lacks it. */
export function loadCodec(name: Exclude<CodecName, "none">): Promise<Codec> {
  let codec = loading.get(name);
  if (codec === undefined) {
    codec = load(name);
    loading.set(name, codec);
  }
  return codec;
}

/** Those of the values of `compression.type` whose library does not load on this platform. */
export async function unreadableCodecs(types: ReadonlySet<string>): Promise<string[]> {
  const missing: string[] = [];
  for (const name of CODEC_NAMES) {
    // To load one takes some ms of a start: what no topic is written with is loaded when a batch has it.
    if (name === "none" || !types.has(name)) continue;
    await loadCodec(name).catch(() => missing.push(name));
  }
  return missing;
}

/** By the number in a batch's attributes; null for one that Kafka does not know. */
export function codecNumbered(number: number): CodecName | null {
  return CODEC_NAMES[number] ?? null;
}

async function load(name: Exclude<CodecName, "none">): Promise<Codec> {
  try {
    return await LOADERS[name]();
  } catch (thrown) {
    const message =
      `${name} cannot be used on ${process.platform} ${process.arch}: its library does not load ` +
      `(${asError(thrown).message}); set compression.type of topics and producers to gzip or none`;
    throw new OutriggerError("COMPRESSION_UNSUPPORTED", message, { cause: thrown });
  }
}
