import { BUCKETS, labelName, prometheusName } from "./metric-table.ts";
import type { Family, HistogramValue } from "./registry.ts";

export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Prometheus' text format; `target` are attributes of the process, as OpenTelemetry's resource. */
export function prometheusText(
  families: readonly Family[],
  target: Readonly<Record<string, string>>,
): string {
  const lines = [
    "# HELP target_info What these metrics are of.",
    "# TYPE target_info gauge",
    `target_info${labels(Object.keys(target), Object.values(target))} 1`,
  ];
  for (const { definition, samples } of families) {
    const name = prometheusName(definition);
    const { attributes, kind, description } = definition;
    lines.push(`# HELP ${name} ${escaped(description)}`, `# TYPE ${name} ${kind}`);
    for (const { values, value } of samples) {
      if (typeof value === "number") lines.push(`${name}${labels(attributes, values)} ${value}`);
      else lines.push(...histogram(name, attributes, values, value));
    }
  }
  return `${lines.join("\n")}\n`;
}

function histogram(
  name: string,
  attributes: readonly string[],
  values: readonly string[],
  { buckets, sum, count }: HistogramValue,
): string[] {
  const withBound = [...attributes, "le"];
  let below = 0;
  const lines = buckets.map((each, index) => {
    below += each;
    const bound = BUCKETS[index];
    return `${name}_bucket${labels(withBound, [...values, String(bound ?? "+Inf")])} ${below}`;
  });
  const named = labels(attributes, values);
  return [...lines, `${name}_sum${named} ${sum}`, `${name}_count${named} ${count}`];
}

function labels(attributes: readonly string[], values: readonly string[]): string {
  if (attributes.length === 0) return "";
  const pairs = attributes.map((attribute, index) => {
    return `${labelName(attribute)}="${escaped(values[index] ?? "").replaceAll('"', '\\"')}"`;
  });
  return `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
