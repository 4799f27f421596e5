import type { BrokerNode } from "./metadata.ts";
import type { WireReader } from "./wire.ts";

/** Who leads a partition, said by a broker that does not (KIP-951). */
export interface LeaderHint {
  readonly brokerId: number;
  readonly epoch: number;
}

/** A tagged field of one partition of an answer; null when the broker does not know either. */
export function readLeaderHint(reader: WireReader): LeaderHint | null {
  const hint = { brokerId: reader.int32(), epoch: reader.int32() };
  reader.tags();
  return hint.brokerId < 0 || hint.epoch < 0 ? null : hint;
}

/** A tagged field of an answer: where the brokers of its hints are. */
export function readEndpoints(reader: WireReader): BrokerNode[] {
  return reader.compactArray(() => {
    const node = { id: reader.int32(), host: reader.compactString(), port: reader.int32() };
    reader.compactNullableString(); // rack
    reader.tags();
    return node;
  });
}
