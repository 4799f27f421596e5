import type { DemoBroker } from "./broker.ts";
export async function startKafkaForDemo(): Promise<DemoBroker> {
  throw new Error("no real Kafka yet");
}
