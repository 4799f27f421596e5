import type { LoadedConfig } from "../config/resolve.ts";
import { configKeys } from "../config/schema.ts";
import { shown } from "../config/secrets.ts";

/** `outrigger config print`: every value with its source, secrets redacted. */
export function printConfig({ settings, origins, secrets }: LoadedConfig, asJson: boolean): string {
  const rows = configKeys.map((key) => ({
    key,
    value: settings[key] === null ? "" : shown(key, settings[key], secrets.has(key)),
    source: origins.get(key) ?? "default",
  }));
  if (asJson) return `${JSON.stringify(rows, null, 2)}\n`;
  const keyWidth = Math.max(...rows.map(({ key }) => key.length));
  const valueWidth = Math.max(...rows.map(({ value }) => value.length));
  return rows
    .map(({ key, value, source }) => {
      return `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${source}\n`;
    })
    .join("");
}
