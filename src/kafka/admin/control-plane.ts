import type kafkajs from "kafkajs";
import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import type { Log } from "../../ports/log.ts";
import type { Security } from "../security/security.ts";
import { kafkajsSecurity } from "./kafkajs-security.ts";

export interface ControlPlaneOptions {
  readonly bootstrapServers: readonly string[];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly security: Security;
  readonly log: Log;
}

/**
 * kafkajs' admin client, loaded and connected when something is first asked of it: it takes as long to
 * load as everything else that a start loads.
 */
export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  #admin: Promise<kafkajs.Admin> | null = null;
  #connected: Promise<void> | null = null;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
  }

  /** Throws AUTHORIZATION_FAILED or BROKER_REFUSED, which say what was not let. */
  async call<T>(what: string, use: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
    try {
      this.#admin ??= load(this.#options);
      const admin = await this.#admin;
      this.#connected ??= admin.connect();
      await this.#connected;
      return await use(admin);
    } catch (error: unknown) {
      this.#connected = null;
      const text = `the cluster did not let us ${what}: ${messageOf(error)}`;
      if (/authoriz/i.test(messageOf(error))) {
        const remedy = "grant the right with kafka-acls.sh, then start again";
        throw new OutriggerError("AUTHORIZATION_FAILED", `${text}; ${remedy}`, { cause: error });
      }
      throw new OutriggerError("BROKER_REFUSED", `${text}; mend that, then start again`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    const admin = await this.#admin;
    await admin?.disconnect();
  }
}

async function load(options: ControlPlaneOptions): Promise<kafkajs.Admin> {
  const { Kafka, logLevel } = (await import("kafkajs")).default;
  const kafka = new Kafka({
    clientId: `${options.clientId}-admin`,
    brokers: [...options.bootstrapServers],
    requestTimeout: options.requestTimeoutMs,
    ...kafkajsSecurity(options.security),
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => {
      options.log.debug(entry.log.message, { namespace: entry.namespace });
    },
  });
  return kafka.admin();
}

/** kafkajs puts what went wrong with each topic into `errors`. */
function messageOf(error: unknown): string {
  const { message } = asError(error);
  if (typeof error !== "object" || error === null || !("errors" in error)) return message;
  const { errors } = error;
  return Array.isArray(errors) ? errors.map((each) => asError(each).message).join("; ") : message;
}
