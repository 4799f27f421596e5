import {
  BufferFull,
  EmitStrategy,
  type Node,
  type Suppress,
  type SuppressBuffer,
} from "../gen/outrigger/v1/topology_pb.ts";
import type {
  BufferConfig,
  DeclaredStore,
  NodeKind,
  EmitStrategy as Strategy,
  SuppressedUntil,
} from "../model/topology.ts";
import { invalid, safeNumber } from "./invalid.ts";

export function emitOf(name: string, emit: EmitStrategy): { readonly emit?: Strategy } {
  switch (emit) {
    case EmitStrategy.UNSPECIFIED:
    case EmitStrategy.ON_WINDOW_UPDATE:
      return {};
    case EmitStrategy.ON_WINDOW_CLOSE:
      return { emit: "onWindowClose" };
    case EmitStrategy.ON_COMMIT:
      return { emit: "onCommit" };
  }
  throw invalid(`aggregate ${name} has emit ${emit}, which this sidecar does not know`);
}

export function suppressOf(name: string, suppress: Suppress): NodeKind & { kind: "suppress" } {
  return {
    kind: "suppress",
    store: storeOf(name),
    until: untilOf(name, suppress),
    buffer: configOf(name, suppress.buffer),
  };
}

/** The store of a node that suppresses, which nobody declares. */
export function bufferOf({ name, kind }: Node): DeclaredStore[] {
  return kind.case === "suppress" ? [{ name: storeOf(name), kind: "buffer" }] : [];
}

/** As Kafka Streams calls it. */
function storeOf(name: string): string {
  return `${name}-store`;
}

function untilOf(name: string, { untilWindowCloses, untilTimeLimit }: Suppress): SuppressedUntil {
  if (untilWindowCloses !== undefined && untilTimeLimit !== undefined) {
    throw invalid(`suppress ${name} has two ends`);
  }
  if (untilWindowCloses !== undefined) return { kind: "windowCloses" };
  if (untilTimeLimit === undefined) throw invalid(`suppress ${name} has no end`);
  return {
    kind: "timeLimit",
    waitMs: safeNumber(`wait_ms of ${name}`, untilTimeLimit.waitMs, 0),
  };
}

function configOf(name: string, buffer: SuppressBuffer | undefined): BufferConfig {
  if (buffer === undefined) return { whenFull: "shutDown" };
  const { maxRecords, maxBytes } = buffer;
  return {
    ...(maxRecords === 0n
      ? {}
      : { maxRecords: safeNumber(`max_records of ${name}`, maxRecords, 1) }),
    ...(maxBytes === 0n ? {} : { maxBytes: safeNumber(`max_bytes of ${name}`, maxBytes, 1) }),
    whenFull: whenFullOf(name, buffer.whenFull),
  };
}

function whenFullOf(name: string, full: BufferFull): BufferConfig["whenFull"] {
  switch (full) {
    case BufferFull.UNSPECIFIED:
    case BufferFull.SHUT_DOWN:
      return "shutDown";
    case BufferFull.EMIT_EARLY:
      return "emitEarly";
  }
  throw invalid(`suppress ${name} has when_full ${full}, which this sidecar does not know`);
}
