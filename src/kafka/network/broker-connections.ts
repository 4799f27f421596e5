import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { KafkaLimits } from "../limits.ts";
import { type ApiVersions, apiVersionsRequest } from "../protocol/api-versions.ts";
import type { BrokerNode } from "../protocol/metadata.ts";
import type { Security } from "../security/security.ts";
import { keepAuthenticated } from "../security/session.ts";
import { Connection } from "./connection.ts";
import { Silence } from "./silence.ts";
import { type BrokerAddress, isNotConnected, type SocketFactory } from "./socket.ts";

/**
 * What a connection is for. A broker answers one request at a time per connection, so a fetch that
 * waits for data, or a produce that waits for replicas, must not stand before a heartbeat.
 */
export type Purpose = "general" | "group" | "produce" | "fetch" | "fetchMore" | "restore";

/** An open connection with what its broker speaks. */
export interface BrokerConnection {
  readonly brokerId: number;
  readonly connection: Connection;
  readonly versions: ApiVersions;
}

export interface BrokerConnectionsOptions {
  readonly clientId: string;
  readonly clientVersion: string;
  readonly limits: KafkaLimits;
  readonly security: Security;
  /** Instead of what `security` has: for tests that stand between. */
  readonly openSocket?: SocketFactory;
  /** Told of each connection that has ended, for whatever reason. */
  readonly onLost?: () => void;
}

/** Who hangs up on the first request may have expected it in another way; ApiVersions is for all. */
const PLAINTEXT_HINT =
  "if that lasts, the port may speak TLS: set security.protocol to SSL or SASL_SSL";
const TLS_HINT =
  "if that lasts, the port may not speak TLS: set security.protocol to PLAINTEXT or SASL_PLAINTEXT";
const SASL_HINT =
  "if that lasts, the port may want SASL: set security.protocol to SASL_PLAINTEXT or SASL_SSL";

/** One connection per broker and purpose, opened when first asked for and again after it ended. */
export class BrokerConnections {
  readonly #options: BrokerConnectionsOptions;
  readonly #open = new Map<string, Promise<BrokerConnection>>();
  readonly #live = new Set<Connection>();
  readonly #silence: Silence;
  #closed = false;

  constructor(options: BrokerConnectionsOptions) {
    this.#options = options;
    this.#silence = new Silence(options.limits);
  }

  /** Whether this broker was asked and said nothing, and has not answered since. */
  isSilent(address: BrokerAddress): boolean {
    return this.#silence.has(address);
  }

  /**
   * Rejects with BROKER_UNAVAILABLE or REQUEST_TIMED_OUT when the broker cannot be reached, with
   * TLS_FAILED or AUTHENTICATION_FAILED when it does not take us, or we it. A silent broker is not
   * waited for: while it is dialled, whoever asks is refused soon.
   */
  get(node: BrokerNode, purpose: Purpose): Promise<BrokerConnection> {
    const opening = this.#opening(node, purpose);
    return this.isSilent(node) ? this.#silence.soon(node, opening) : opening;
  }

  #opening(node: BrokerNode, purpose: Purpose): Promise<BrokerConnection> {
    // The address is part of the key: a broker that moved is another broker to connect to.
    const key = `${node.id}/${purpose}/${node.host}:${node.port}`;
    const open = this.#open.get(key);
    if (open !== undefined) return open;
    const forget = () => {
      if (this.#open.get(key) === opening) this.#open.delete(key);
    };
    const opening = this.dial(node, node.id, forget);
    this.#open.set(key, opening);
    opening.catch(forget);
    return opening;
  }

  /** A connection that belongs to the caller, for brokers whose id is not known yet. */
  async dial(
    address: BrokerAddress,
    brokerId: number,
    onClose?: () => void,
  ): Promise<BrokerConnection> {
    const { limits, clientId, clientVersion, security } = this.#options;
    this.#refuseWhenClosed(address);
    let endSession = (): void => {};
    const connection = await Connection.open({
      host: address.host,
      port: address.port,
      clientId,
      requestTimeoutMs: limits.requestTimeoutMs,
      connectTimeoutMs: limits.connectTimeoutMs,
      responseBytesMax: limits.responseBytesMax,
      idleMaxMs: limits.connectionsMaxIdleMs,
      openSocket: this.#options.openSocket ?? security.openSocket,
      hangUpHints: [
        security.tls === null ? PLAINTEXT_HINT : TLS_HINT,
        ...(security.mechanism === null ? [SASL_HINT] : []),
      ],
      onClose: () => {
        this.#live.delete(connection);
        endSession();
        onClose?.();
        const sinceMs = connection.unansweredSinceMs;
        if (sinceMs !== null) this.#silence.judge(connection, sinceMs, this.#live);
        this.#options.onLost?.();
      },
    }).catch((thrown: unknown) => {
      if (thrown instanceof Error && isNotConnected(thrown.cause)) this.#silence.mark(address);
      throw thrown;
    });
    this.#live.add(connection);
    try {
      this.#refuseWhenClosed(address);
      const versions = await connection.send(
        apiVersionsRequest(clientVersion),
        Math.min(limits.answerTimeoutMs, limits.connectTimeoutMs),
      );
      this.#silence.broken(address);
      if (security.mechanism !== null) {
        const { mechanism } = security;
        endSession = await keepAuthenticated(connection, mechanism, versions, limits);
        if (connection.ended !== null) endSession();
      }
      return { brokerId, connection, versions };
    } catch (thrown) {
      connection.close();
      throw thrown;
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#live) connection.close();
    this.#open.clear();
  }

  #refuseWhenClosed(address: BrokerAddress): void {
    if (!this.#closed) return;
    throw new OutriggerError(
      "BROKER_UNAVAILABLE",
      `broker ${address.host}:${address.port} is not connected to: the client was closed`,
    );
  }
}
