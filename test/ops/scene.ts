import { createServer } from "node:net";
import { availableBrokers, type Broker, type BrokerKind } from "../support/brokers.ts";

/** The best broker of this machine: a real Kafka where Java is. */
export function bestBroker(): BrokerKind {
  const kind = availableBrokers().at(-1);
  if (kind === undefined) throw new Error("there is always the embedded broker");
  return kind;
}

export type { Broker };

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === "object" && address !== null ? address.port : 0),
      );
    });
  });
}
