import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { KafkaLimits } from "../limits.ts";
import type { Connection } from "./connection.ts";
import type { BrokerAddress } from "./socket.ts";

/**
 * Brokers that do not answer, and have not gone away: frozen, or behind a network that drops packets.
 * Each connection would find that out by itself, one after the other and each by a whole wait; what one
 * has found is told to all here.
 *
 * A broker is silent when a request to it timed out and nothing was heard from it on any connection for
 * half as long as it may take to answer, or when it did not even take a connection. Then whatever else
 * waits for it ends at once, and who asks it again is refused soon (`retryBackoffMs`) until it answers.
 * So a broker that is only slow with one thing, a produce that waits for replicas, is not taken for one.
 */
export class Silence {
  readonly #limits: KafkaLimits;
  /** By `host:port`: how long it is remembered, for who may never be asked again. */
  readonly #untilMs = new Map<string, number>();

  constructor(limits: KafkaLimits) {
    this.#limits = limits;
  }

  has({ host, port }: BrokerAddress): boolean {
    const name = `${host}:${port}`;
    const untilMs = this.#untilMs.get(name);
    if (untilMs === undefined) return false;
    if (performance.now() < untilMs) return true;
    this.#untilMs.delete(name);
    return false;
  }

  /** It has answered. */
  broken({ host, port }: BrokerAddress): void {
    this.#untilMs.delete(`${host}:${port}`);
  }

  mark({ host, port }: BrokerAddress): void {
    this.#untilMs.set(`${host}:${port}`, performance.now() + this.#limits.requestTimeoutMs);
  }

  /** A request timed out on `ended`: closes what else there is to its broker, unless that has spoken. */
  judge(ended: Connection, sentAtMs: number, live: Iterable<Connection>): void {
    const others = [...live].filter(({ name }) => name === ended.name);
    const heardAtMs = [ended, ...others].map((connection) => connection.heardAtMs);
    const quietMs = performance.now() - Math.max(sentAtMs, ...heardAtMs);
    if (quietMs < this.#limits.answerTimeoutMs / 2) return;
    this.mark(ended.address);
    const reason = new OutriggerError(
      "REQUEST_TIMED_OUT",
      `broker ${ended.name} has said nothing for ${Math.round(quietMs)} ms, on no connection; ` +
        "all of them were closed",
    );
    for (const connection of others) connection.close(reason);
  }

  /** The connection, if it comes soon; dialling goes on for who asks next. */
  soon<T>({ host, port }: BrokerAddress, opening: Promise<T>): Promise<T> {
    const waitMs = this.#limits.retryBackoffMs;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const text = `broker ${host}:${port} is silent, and did not answer within ${waitMs} ms`;
        reject(new OutriggerError("BROKER_UNAVAILABLE", text));
      }, waitMs);
      opening.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}
