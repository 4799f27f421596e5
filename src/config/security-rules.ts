import { type Jaas, parseJaas } from "./jaas.ts";
import type { ConfigKey, Settings } from "./schema.ts";

type Given = Partial<Settings>;

/** Module of the Java client, and the options of it that are understood here. */
const MODULES: Readonly<Record<string, { readonly module: string; readonly options: RegExp }>> = {
  PLAIN: { module: "PlainLoginModule", options: /^(username|password)$/ },
  "SCRAM-SHA-256": { module: "ScramLoginModule", options: /^(username|password)$/ },
  "SCRAM-SHA-512": { module: "ScramLoginModule", options: /^(username|password)$/ },
  OAUTHBEARER: {
    module: "OAuthBearerLoginModule",
    options: /^(clientId|clientSecret|scope|extension_[A-Za-z]+)$/,
  },
};

/** What the security settings lack, or hold that would be ignored: a typing error must not be silent. */
export function securityFaults(settings: Given): string[] {
  const protocol = settings["security.protocol"];
  if (protocol === undefined) return [];
  const faults = [...tlsFaults(settings, protocol)];
  const isSasl = protocol.startsWith("SASL_");
  const mechanism = settings["sasl.mechanism"];
  if (!isSasl) {
    faults.push(...ignored(settings, "sasl.", `${protocol} does not authenticate by SASL`));
  } else if (mechanism === null) {
    faults.push(`security.protocol is ${protocol}, and sasl.mechanism is missing`);
  } else if (mechanism !== undefined) {
    faults.push(...saslFaults(settings, mechanism));
  }
  return faults;
}

function tlsFaults(settings: Given, protocol: string): string[] {
  const faults: string[] = [];
  // A token provider is trusted by the same certificates.
  const hasProvider = isHttps(settings["sasl.oauthbearer.token.endpoint.url"]);
  if (!protocol.endsWith("SSL")) {
    const prefixes = hasProvider ? ["ssl.key"] : ["ssl.key", "ssl.truststore."];
    for (const prefix of prefixes) {
      faults.push(...ignored(settings, prefix, `${protocol} does not encrypt`));
    }
  }
  const chain = isSet(settings, "ssl.keystore.certificate.chain");
  const key = isSet(settings, "ssl.keystore.key");
  if (chain !== key) {
    faults.push("ssl.keystore.certificate.chain and ssl.keystore.key must be set together");
  }
  faults.push(...either(settings, "ssl.keystore.location", "ssl.keystore.key"));
  faults.push(...either(settings, "ssl.truststore.location", "ssl.truststore.certificates"));
  return faults;
}

function saslFaults(settings: Given, mechanism: string): string[] {
  const jaas = jaasOf(settings, mechanism);
  if (typeof jaas === "string") return [jaas];
  return mechanism === "OAUTHBEARER"
    ? tokenFaults(settings, jaas)
    : passwordFaults(settings, mechanism, jaas);
}

/** A sentence where it is wrong, which never holds a part of it. */
function jaasOf(settings: Given, mechanism: string): Jaas | null | string {
  const text = settings["sasl.jaas.config"];
  if (text === null || text === undefined) return null;
  const expected = MODULES[mechanism];
  const jaas = parseJaas(text);
  if (jaas === null || expected === undefined) {
    return `sasl.jaas.config cannot be read: it is \`${expected?.module} required key="value" …;\``;
  }
  if (jaas.module !== expected.module) {
    return (
      `sasl.jaas.config names another module than ${expected.module}, which ` +
      `sasl.mechanism=${mechanism} needs`
    );
  }
  const unknown = [...jaas.options.keys()].filter((key) => !expected.options.test(key));
  if (unknown.length === 0) return jaas;
  return `sasl.jaas.config has the option ${unknown.join(", ")}, which means nothing here`;
}

function passwordFaults(settings: Given, mechanism: string, jaas: Jaas | null): string[] {
  const faults = ignored(settings, "sasl.oauthbearer.", `sasl.mechanism is ${mechanism}`);
  for (const [key, option] of [
    ["sasl.username", "username"],
    ["sasl.password", "password"],
  ] as const) {
    const inJaas = (jaas?.options.get(option) ?? "") !== "";
    if (isSet(settings, key) && inJaas) faults.push(`${key} is also in sasl.jaas.config: keep one`);
    if (!isSet(settings, key) && !inJaas) {
      faults.push(`sasl.mechanism is ${mechanism}, and ${key} is missing`);
    }
  }
  return faults;
}

const CLIENT_ID = "sasl.oauthbearer.client.credentials.client.id";
const CLIENT_SECRET = "sasl.oauthbearer.client.credentials.client.secret";

function tokenFaults(settings: Given, jaas: Jaas | null): string[] {
  const url = settings["sasl.oauthbearer.token.endpoint.url"] ?? null;
  const faults = ["sasl.username", "sasl.password"].flatMap((key) =>
    ignored(settings, key, "sasl.mechanism is OAUTHBEARER"),
  );
  faults.push(...either(settings, "sasl.oauthbearer.token", "sasl.oauthbearer.token.endpoint.url"));
  if (url === null && !isSet(settings, "sasl.oauthbearer.token")) {
    faults.push(
      "sasl.mechanism is OAUTHBEARER, and there is no token: set " +
        "sasl.oauthbearer.token.endpoint.url, or sasl.oauthbearer.token",
    );
  }
  if (!(url ?? "").startsWith("http")) return faults;
  for (const [key, option] of [
    [CLIENT_ID, "clientId"],
    [CLIENT_SECRET, "clientSecret"],
  ] as const) {
    const inJaas = (jaas?.options.get(option) ?? "") !== "";
    if (isSet(settings, key) && inJaas) faults.push(`${key} is also in sasl.jaas.config: keep one`);
    if (!isSet(settings, key) && !inJaas) {
      faults.push(`sasl.oauthbearer.token.endpoint.url asks a provider, and ${key} is missing`);
    }
  }
  return faults;
}

/** Settings that were given and would not be looked at. */
function ignored(settings: Given, prefix: string, reason: string): string[] {
  return Object.entries(settings)
    .filter(([key, value]) => key.startsWith(prefix) && value !== null && value !== "PEM")
    .map(([key]) => `${key} is set, but ${reason}: set security.protocol or take ${key} out`);
}

function either(settings: Given, one: ConfigKey, other: ConfigKey): string[] {
  const both = isSet(settings, one) && isSet(settings, other);
  return both ? [`${one} and ${other} say the same: keep one`] : [];
}

function isSet(settings: Given, key: ConfigKey): boolean {
  return settings[key] !== null && settings[key] !== undefined;
}

function isHttps(url: string | null | undefined): boolean {
  return url?.startsWith("https:") ?? false;
}
