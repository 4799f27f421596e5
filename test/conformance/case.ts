import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ProcessResponseSchema,
  Verdict,
  WelcomeSchema,
} from "../../src/gen/outrigger/v1/processor_pb.ts";
import type { BuilderName } from "./builders.ts";

/** A frame of the sidecar, as plain data. */
export type SidecarFrame = NonNullable<MessageInitShape<typeof ProcessResponseSchema>["frame"]>;

export type WelcomeFields = Omit<MessageInitShape<typeof WelcomeSchema>, "$typeName" | "$unknown">;

/** Text, or null for null; what a column holds is bytes. */
export type Text = string | null;

export interface SeenOutput {
  readonly row: number;
  readonly key: Text;
  readonly value: Text;
  /** Its own, or its input's. */
  readonly timestamp: number;
  readonly headers: readonly (readonly [string, Text])[];
  readonly sink: number;
}

/** What a worker may say, as a case expects it: only what is given is compared. */
export type Expected =
  | {
      readonly kind: "result";
      readonly of: number;
      readonly epoch?: number;
      readonly task?: string;
      readonly done?: number;
      /** null says that there is none; a pattern is for its message. */
      readonly failure?: RegExp | null;
      /** What the failure asks for, and the node that it names; nothing where left out. */
      readonly verdict?: { readonly kind: Verdict; readonly afterMs?: number };
      readonly node?: string;
      readonly outputs?: readonly Partial<SeenOutput>[];
      /** Instead of outputs: what the handler noted, one list for each output. */
      readonly notes?: readonly unknown[];
      /** By slot number (`#0`) or by key; null is a delete. */
      readonly mutations?: Readonly<Record<string, Text>>;
      /** By node, key, name and number of the clock; null is a cancel. */
      readonly timers?: Readonly<Record<string, number | null>>;
    }
  | {
      readonly kind: "ask";
      readonly of: number;
      readonly keys?: readonly string[];
      readonly range?: { readonly from?: string; readonly to?: string; readonly reverse?: boolean };
      readonly written?: Readonly<Record<string, Text>>;
    }
  | { readonly kind: "handBack"; readonly of: number }
  | { readonly kind: "paused" };

/** The kinds of topology of docs/sdks.md. */
export type TopologyName =
  | BuilderName
  | "process"
  | "policy"
  | "parking"
  | "pattern"
  | "hook"
  | "stateless"
  | "aggregate"
  | "windowed"
  | "count";

/** How a call ends by a status of gRPC. */
export type Status = "UNAUTHENTICATED" | "UNIMPLEMENTED" | "UNAVAILABLE";

export type Answer =
  | { readonly values: readonly Text[] }
  | { readonly entries: readonly (readonly [string, string])[]; readonly more?: boolean }
  | { readonly error: string };

export type Step =
  /** Sends a frame. */
  | { readonly send: SidecarFrame }
  /** Sends bytes as they are, for what no message says. */
  | { readonly sendBytes: Uint8Array }
  /** Answers the question asked last, or again; `of` the last one of a task. */
  | { readonly answer: Answer; readonly of?: string }
  /** Answers a question that nobody asked. */
  | { readonly answerUnasked: Answer }
  /** The next frames, in this order. */
  | { readonly expect: Expected }
  /** The next frames, in whatever order: of tasks beside each other. */
  | { readonly expectAll: readonly Expected[] }
  /** Ends the stream: with a status, by cutting the connection, or as a sidecar that has drained. */
  | { readonly end: "cut" | "drained" | Status }
  /** The worker has connected again and said hello; it is welcomed. */
  | { readonly again: true }
  /** Connected again, but not welcomed. */
  | { readonly greetedAgain: true }
  | { readonly welcome: WelcomeFields }
  | { readonly signal: "SIGTERM" }
  /** The worker has ended its stream. */
  | { readonly ended: true }
  /** The process has ended so, and did not connect again. */
  | { readonly exit: number; readonly said?: RegExp }
  /** The server goes away, socket and all, and comes back. */
  | { readonly restart: true };

export interface Case {
  readonly id: string;
  /** The requirements of docs/protocol.md that it proves. */
  readonly proves: readonly string[];
  readonly topology?: TopologyName;
  /** Begin before the welcome. Default: the worker is welcomed. */
  readonly unwelcomed?: true;
  /** Over TCP, with this token asked for. Default: a Unix socket. */
  readonly token?: string;
  /** Overrides of the welcome. */
  readonly welcomed?: WelcomeFields;
  readonly steps: readonly Step[];
}
