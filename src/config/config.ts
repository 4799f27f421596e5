import type { ConfigKey, Settings } from "./schema.ts";

/** `commit.interval.ms` to `commitIntervalMs`. */
type CamelCase<Key extends string> = Key extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Key;

type Resolved = Omit<Settings, "bootstrap.servers" | "client.id" | "check.accept"> & {
  readonly "bootstrap.servers": readonly string[];
  readonly "check.accept": readonly string[];
  readonly "client.id": string;
};

/**
 * The configuration, resolved once and frozen. Fields are the dotted keys in camelCase, units in ms
 * and bytes as their names say; see docs/configuration.md. Lists are split, `clientId` is filled.
 */
export type Config = Readonly<{ [Key in ConfigKey as CamelCase<Key>]: Resolved[Key] }>;

export function toConfig(settings: Settings): Config {
  const resolved: Resolved = {
    ...settings,
    "bootstrap.servers": listOf(settings["bootstrap.servers"]),
    "check.accept": listOf(settings["check.accept"] ?? ""),
    "client.id": settings["client.id"] ?? settings["application.id"],
  };
  const entries = Object.entries(resolved).map(([key, value]) => [camelCase(key), value]);
  // Every key of the schema is in `resolved`, so every field of Config is in the entries.
  return Object.freeze(Object.fromEntries(entries) as Config);
}

function listOf(text: string): readonly string[] {
  const items = text.split(",").map((item) => item.trim());
  return items.filter((item) => item !== "");
}

function camelCase(key: string): string {
  return key.replaceAll(/\.([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
