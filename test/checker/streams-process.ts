import { delimiter, join } from "node:path";
import { compileJava } from "../support/judges.ts";
import { kafkaClassPath, REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { Child } from "../support/sidecar-process.ts";

/** A dead member holds its partitions for a session of 6 s, where the broker allows less. */
export const STREAMS_BROKER = { "group.min.session.timeout.ms": "1000" };

/** The workload in Kafka Streams, exactly-once v2, one thread. */
export async function startStreams(
  bootstrapServers: string,
  prefix: string,
  stateDir: string,
): Promise<Child> {
  const classPath = await kafkaClassPath();
  const source = join(REPOSITORY_ROOT, "test/checker/streams/Workload.java");
  const classes = compileJava("streams-workload", [source], classPath);
  const flags = ["-Xmx384m", "-XX:+UseSerialGC", "-cp", `${classes}${delimiter}${classPath}`];
  const args = [...flags, "Workload", bootstrapServers, prefix, stateDir];
  return new Child("Kafka Streams", args, {}, "java");
}
