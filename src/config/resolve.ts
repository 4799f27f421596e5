import { OutriggerError } from "../errors/outrigger-error.ts";
import { type Config, toConfig } from "./config.ts";
import type { ParsedFile, Written } from "./files.ts";
import { nearest } from "./nearest.ts";
import { ENVIRONMENT_PREFIX, environmentName, keyReference } from "./reference.ts";
import { refusalOf, withoutPrefix } from "./refused.ts";
import { brokenRules } from "./rules.ts";
import { type ConfigKey, configKeys, isConfigKey, type Settings, schema } from "./schema.ts";
import { shown } from "./secrets.ts";
import { fileText, type Surroundings, substitute } from "./substitute.ts";

/** Where values come from, strongest first: fixed, flags, environment, file, presets, defaults. */
export interface ConfigSources {
  /** By dotted key. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly file?: ParsedFile | undefined;
  /** For `${file:…}` and `OUTRIGGER_…_FILE`; without it, files cannot be referred to. */
  readonly readFile?: (path: string) => string;
  /** What a command sets whatever else is said, and what it sets where nothing is said. */
  readonly fixed?: Readonly<Record<string, unknown>>;
  readonly presets?: Readonly<Record<string, unknown>>;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly settings: Settings;
  /** Where each key's value comes from, in words. */
  readonly origins: ReadonlyMap<ConfigKey, string>;
  /** Keys that somebody wrote down. */
  readonly explicit: ReadonlySet<string>;
  /** Keys whose values are never shown. */
  readonly secrets: ReadonlySet<ConfigKey>;
}

/** Everything that is wrong with a configuration. */
export class ConfigFaults extends OutriggerError {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    const count = faults.length === 1 ? "a fault" : `${faults.length} faults`;
    const list = faults.map((fault) => `\n- ${fault}`).join("");
    super("CONFIG_INVALID", `the configuration has ${count}:${list}`);
    this.faults = faults;
  }
}

/**
 * Resolves every key. Throws CONFIG_INVALID with all faults: for each the place, the value, what is
 * expected, and for an unknown key the nearest known one.
 */
export function resolveConfig(sources: ConfigSources): LoadedConfig {
  const faults = [...(sources.file?.faults ?? [])];
  const chosen = choose(layersOf(sources, faults), faults);
  const settings: Partial<Record<ConfigKey, unknown>> = {};
  const origins = new Map<ConfigKey, string>();
  const secrets = new Set<ConfigKey>();
  for (const key of configKeys) {
    const written = chosen.get(key);
    const result = schema.shape[key].safeParse(coerce(key, written?.value));
    if (result.success) settings[key] = result.data;
    else faults.push(faultOf(key, written, result.error.issues[0]?.message ?? ""));
    origins.set(key, written?.from ?? "default");
    if (written?.isSecret === true || keyReference(key).isSecret) secrets.add(key);
  }
  // Each field that is present has just been checked by its own schema.
  faults.push(...brokenRules(settings as Partial<Settings>));
  if (faults.length > 0) throw new ConfigFaults(faults);
  const complete = schema.parse(settings);
  const explicit = new Set<string>(chosen.keys());
  return { config: toConfig(complete), settings: complete, origins, secrets, explicit };
}

/** A configuration from values by dotted key, everything else at its default. */
export function configFrom(values: Readonly<Record<string, unknown>>): Config {
  return resolveConfig({ fixed: values }).config;
}

/** All that was written, weakest first, with what it refers to put in. */
function layersOf(sources: ConfigSources, faults: string[]): Written[] {
  const surroundings = { env: sources.env ?? {}, readFile: sources.readFile ?? noFiles };
  const substituted = (layer: readonly Written[]) =>
    layer.map((each) => {
      const { written, faults: found } = substitute(each, surroundings);
      faults.push(...found);
      return written;
    });
  const given = (values: Readonly<Record<string, unknown>> = {}, from: (key: string) => string) =>
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value, from: from(key) }],
    );
  return [
    ...given(sources.presets, () => "the command's default"),
    ...substituted(sources.file?.written ?? []),
    ...substituted(environment(surroundings, faults)),
    ...substituted(given(sources.flags, (key) => `flag --${key}`)),
    ...given(sources.fixed, () => "set by the command"),
  ];
}

/** What else starts with the prefix, and is no setting. */
const OTHER_VARIABLES = ["ADDRESS", "TOKEN", "CONFIG", "FAILPOINT", "HOSTILE"].map(
  (name) => ENVIRONMENT_PREFIX + name,
);
/**
 * Platforms make variables of service names, so only what looks like a slip of the pen is refused.
 */
const SLIP_DISTANCE_MAX = 2;

function environment(surroundings: Surroundings, faults: string[]): Written[] {
  const { env } = surroundings;
  const names = new Map(configKeys.map((key) => [environmentName(key), key]));
  const written: Written[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || value === undefined) continue;
    const byFile = name.endsWith(FILE_SUFFIX)
      ? names.get(name.slice(0, -FILE_SUFFIX.length))
      : undefined;
    if (byFile !== undefined) {
      written.push(...fromFile(byFile, name, value, surroundings, faults));
      continue;
    }
    const key = names.get(name);
    const from = `environment ${name}`;
    const refused = refusalOf(dotted(name));
    if (key !== undefined) {
      written.push({ key, value, from });
    } else if (refused !== null) {
      faults.push(`${from} cannot be set: ${refused}`);
    } else if (!OTHER_VARIABLES.includes(name)) {
      const meant = nearest(name, [...names.keys()], SLIP_DISTANCE_MAX);
      if (meant !== null) faults.push(`${from} is not known: did you mean ${meant}?`);
    }
  }
  return written;
}

/** Docker's and Kubernetes' way to hand over a secret. */
const FILE_SUFFIX = "_FILE";

function fromFile(
  key: ConfigKey,
  name: string,
  path: string,
  surroundings: Surroundings,
  faults: string[],
): Written[] {
  const from = `environment ${name}, file ${path}`;
  const other = environmentName(key);
  if (surroundings.env[other] !== undefined) {
    faults.push(`environment ${name} and ${other} are both set: leave one out`);
    return [];
  }
  const before = faults.length;
  const value = fileText(path, `environment ${name}`, surroundings, faults);
  return faults.length > before ? [] : [{ key, value, from, isSecret: true }];
}

function noFiles(path: string): string {
  throw new Error(`${path} is out of reach here`);
}

function dotted(name: string): string {
  return name.slice(ENVIRONMENT_PREFIX.length).toLowerCase().replaceAll("_", ".");
}

function choose(layers: readonly Written[], faults: string[]): Map<ConfigKey, Written> {
  const chosen = new Map<ConfigKey, Written>();
  for (const written of layers) {
    const { from } = written;
    const key = withoutPrefix(written.key);
    if (isConfigKey(key)) {
      chosen.set(key, { ...written, key });
      continue;
    }
    const refused = refusalOf(key);
    if (refused !== null) {
      faults.push(`${key} (${from}) cannot be set: ${refused}`);
      continue;
    }
    const meant = nearest(key, configKeys, Math.ceil(key.length / 3));
    const hint = meant === null ? "see docs/configuration.md" : `did you mean ${meant}?`;
    faults.push(`${key} (${from}) is not known: ${hint}`);
  }
  return chosen;
}

/**
 * Texts of flags, environment and .properties to what the schema takes; what does not fit stays.
 */
function coerce(key: ConfigKey, value: unknown): unknown {
  const { kind, isRequired } = keyReference(key);
  if (kind === "string") {
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    // Where an empty text is a value of its own, it is one.
    const isUnset = value === "" && !isRequired && !schema.shape[key].safeParse("").success;
    return isUnset ? undefined : value;
  }
  if (typeof value !== "string") return value;
  const text = value.trim();
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : value;
}

function faultOf(key: ConfigKey, written: Written | undefined, reason: string): string {
  const { flag, environment: variable, expected, isSecret } = keyReference(key);
  if (written === undefined) {
    return `${key} is required: set it by ${flag}, by ${variable} or in the file (${expected})`;
  }
  const value = shown(key, written.value, written.isSecret === true || isSecret);
  const given = `${key} is ${value} (${written.from})`;
  // Where there is one value only, its reason says more than the value.
  if (ONLY_VALUE.includes(key)) return `${given}: ${reason}`;
  return `${given}: it must be ${expected}`;
}

const ONLY_VALUE = ["processing.guarantee", "ssl.truststore.type", "ssl.keystore.type"];
