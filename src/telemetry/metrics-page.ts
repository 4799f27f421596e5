import {
  BUCKETS,
  labelName,
  METRICS,
  type MetricDefinition,
  prometheusName,
} from "./metric-table.ts";

/** The text of docs/metrics.md. */
export function metricsPage(): string {
  const all: readonly MetricDefinition[] = Object.values(METRICS);
  const own = all.filter(({ kafkaStreams }) => kafkaStreams === undefined);
  const always = all.filter(({ kafkaStreams }) => kafkaStreams === "always");
  const optional = all.filter(({ kafkaStreams }) => kafkaStreams === "optional");
  return `# Metrics

<!-- Generated from src/telemetry/metric-table.ts by scripts/generate-docs.ts. Do not edit. -->

The same numbers in two ways: \`/metrics\` for Prometheus, on 127.0.0.1:9464 unless \`http.address\` says
otherwise, and OTLP where OpenTelemetry's variables ask for it (see [operations.md](operations.md)).
Names and units are equal: \`/metrics\` has them as a collector translates them, dots as underscores, the
unit and \`_total\` appended. They are counted by batch and by transaction, never by record. Buckets of
histograms end at ${BUCKETS.join(", ")} s.

## Our own, and OpenTelemetry's for messaging

${table(own)}

## Under Kafka Streams' names, always

What every guide to exactly-once tells to watch, as existing dashboards name it.

${table(always)}

## Under Kafka Streams' names, with \`metrics.kafka.streams.names\`

${table(optional)}
`;
}

function table(definitions: readonly MetricDefinition[]): string {
  const rows = definitions.map((definition) => {
    const { name, unit, kind, description, attributes } = definition;
    const labels = attributes.map((attribute) => `\`${labelName(attribute)}\``).join(", ");
    const measured = unit === "" ? kind : `${kind}, ${unit}`;
    const names = `\`${name}\` | \`${prometheusName(definition)}\``;
    return `| ${names} | ${measured} | ${labels} | ${description} |`;
  });
  return [
    "| name | on `/metrics` | kind | labels | meaning |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}
