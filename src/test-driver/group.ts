import { OutriggerError } from "../errors/outrigger-error.ts";
import { matching } from "../model/source-pattern.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { Group, HeartbeatAnswer, HeartbeatRequest, Membership } from "../ports/consumer.ts";
import type { DriverCluster } from "./cluster.ts";

const HEARTBEAT_INTERVAL_MS = 30_000;

/** A group of one: whoever joins gets every partition of its topics. */
export class DriverGroup implements Group {
  readonly #cluster: DriverCluster;
  #member: Membership | null = null;
  #topics: readonly string[] = [];
  #epoch = 0;

  constructor(cluster: DriverCluster) {
    this.#cluster = cluster;
  }

  has({ memberId, memberEpoch }: Membership): boolean {
    return this.#member?.memberId === memberId && this.#member.memberEpoch === memberEpoch;
  }

  /** The group forgets its member, as after a session timeout. */
  expel(): void {
    this.#member = null;
  }

  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    const { memberId, memberEpoch, topics, owned } = request;
    if (memberEpoch === -1) {
      this.expel();
      return this.#answer(-1, null);
    }
    if (memberEpoch === 0) {
      this.#epoch += 1;
      this.#member = { memberId, memberEpoch: this.#epoch };
      const { pattern } = request;
      const found = pattern === undefined ? [] : matching(pattern, this.#cluster.topics.keys());
      this.#topics = [...new Set([...(topics ?? []), ...found])];
      return this.#answer(this.#epoch, this.#assignment());
    }
    if (!this.has(request)) {
      const text = `the group does not know member ${memberId} any more, as the test had it`;
      return { kind: "lost", error: new OutriggerError("MEMBERSHIP_LOST", text) };
    }
    return this.#answer(memberEpoch, owned === null ? null : this.#assignment());
  }

  #answer(memberEpoch: number, assignment: readonly TopicPartition[] | null): HeartbeatAnswer {
    const heartbeatIntervalMs = HEARTBEAT_INTERVAL_MS;
    return { kind: "member", memberEpoch, heartbeatIntervalMs, assignment };
  }

  #assignment(): TopicPartition[] {
    return this.#topics.flatMap((topic) =>
      this.#cluster.topic(topic).logs.map((_, partition) => ({ topic, partition })),
    );
  }
}
