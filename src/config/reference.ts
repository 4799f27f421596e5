import * as z from "zod";
import { type ConfigKey, configKeys, schema } from "./schema.ts";

/** What is known of a key, in the words of help, faults and the reference page. */
export interface KeyReference {
  readonly key: ConfigKey;
  readonly flag: string;
  readonly environment: string;
  readonly kind: "number" | "string";
  /** What a value must be: `an integer from 1 to 10000`. */
  readonly expected: string;
  /** null where there is none: the key is required, or optional. */
  readonly default: string | number | null;
  readonly isRequired: boolean;
  /** Its value is never shown. */
  readonly isSecret: boolean;
  readonly description: string;
}

export const ENVIRONMENT_PREFIX = "OUTRIGGER_";

export function environmentName(key: ConfigKey): string {
  return ENVIRONMENT_PREFIX + key.toUpperCase().replaceAll(".", "_");
}

/** The parts of JSON Schema that zod makes of our fields. */
const fieldSchema = z.object({
  type: z.enum(["integer", "number", "string"]).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  enum: z.array(z.string()).optional(),
  const: z.string().optional(),
  maxLength: z.number().optional(),
  default: z.union([z.string(), z.number(), z.null()]).optional(),
  description: z.string(),
  writeOnly: z.boolean().optional(),
});

type Field = z.output<typeof fieldSchema>;

/** The JSON Schema of a configuration file, for editors: input types, with defaults. */
export function configJsonSchema(): Record<string, unknown> {
  return {
    title: "Configuration of the Outrigger sidecar",
    ...z.toJSONSchema(schema, { io: "input" }),
  };
}

/** Where a pattern decides, in words. */
const patterns: Partial<Record<ConfigKey, string>> = {
  "application.id": "up to 150 letters, digits, `.`, `_` and `-`",
  "process.id": "up to 64 letters, digits, `.`, `_` and `-`",
  "bootstrap.servers": "`host:port`, or several separated by commas",
  "server.address": "`unix:<path>` or `host:port`",
  "replication.factor": "an integer from 1 to 32767, or -1",
  "check.accept": "names of findings, separated by commas",
  "http.address": "`host:port`, or `off`",
  "sasl.oauthbearer.token.endpoint.url": "`https://…` without a user, or `file:///…`",
  "sasl.oauthbearer.extensions": "`key=value`, or several separated by commas; keys are letters",
};

/** Every key, in the order of the schema. */
export const keyReferences: readonly KeyReference[] = configKeys.map((key) => {
  const json = z.toJSONSchema(schema.shape[key], { io: "input" });
  const [inner] = json.anyOf ?? [];
  const isOptional = json.default !== undefined;
  const field = fieldSchema.parse({ ...json, ...(typeof inner === "object" ? inner : {}) });
  return {
    key,
    flag: `--${key}`,
    environment: environmentName(key),
    kind: field.type === "integer" || field.type === "number" ? "number" : "string",
    expected: expectedOf(key, field),
    default: field.default ?? null,
    isRequired: !isOptional,
    isSecret: field.writeOnly === true,
    description: field.description,
  };
});

const byKey = new Map(keyReferences.map((reference) => [reference.key, reference]));

export function keyReference(key: ConfigKey): KeyReference {
  const found = byKey.get(key);
  if (found === undefined) throw new TypeError(`${key} is no key of the schema`);
  return found;
}

function expectedOf(key: ConfigKey, field: Field): string {
  const said = patterns[key];
  if (said !== undefined) return said;
  if (field.const !== undefined) return `\`${field.const}\``;
  if (field.enum !== undefined) {
    return field.enum.map((value) => (value === "" ? "empty" : `\`${value}\``)).join(", ");
  }
  const { type, minimum, maximum } = field;
  if (type === "integer") return `an integer from ${minimum} to ${maximum}`;
  if (type === "number") return `a number from ${minimum} to ${maximum}`;
  return "a text that is not empty";
}
