import { EmitStrategy as Declared } from "./gen/outrigger/v1/topology_pb.ts";

/** When an aggregate forwards its results: see `onWindowUpdate`, `onWindowClose` and `onCommit`. */
export interface EmitStrategy {
  readonly kind: "onWindowUpdate" | "onWindowClose" | "onCommit";
}

/** Strategies for `emitStrategy`, as Kafka Streams'; `onCommit` is the sidecar's own. */
export const EmitStrategy = {
  /** Each update is forwarded, windowed or not: what holds where nothing is said. */
  onWindowUpdate(): EmitStrategy {
    return { kind: "onWindowUpdate" };
  },
  /**
   * Each window is forwarded once, when stream time has passed its end and its grace (KIP-825), with the
   * latest time of its records. What your code folds is forwarded as its store has it: a sink right behind
   * it that writes keys or values otherwise is refused at the first record.
   */
  onWindowClose(): EmitStrategy {
    return { kind: "onWindowClose" };
  },
  /**
   * Each key that a commit changed is forwarded once, with its last value, in that commit; windowed or not,
   * with topics and repartitions behind it.
   */
  onCommit(): EmitStrategy {
    return { kind: "onCommit" };
  },
} as const;

const DECLARED = {
  onWindowUpdate: Declared.ON_WINDOW_UPDATE,
  onWindowClose: Declared.ON_WINDOW_CLOSE,
  onCommit: Declared.ON_COMMIT,
} as const;

export function declaredEmit({ kind }: EmitStrategy): Declared {
  return DECLARED[kind];
}
