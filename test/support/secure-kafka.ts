import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Identity, makeIdentity } from "./certificates.ts";
import { type KafkaBroker, startKafka } from "./kafka-broker.ts";
import { TokenProvider } from "./token-provider.ts";

/** Planted: no line and no error may hold one of them. */
export const SECRETS = {
  password: "planted-password-1",
  wrongPassword: "planted-password-2",
  keyPassword: "planted-password-3",
  clientSecret: "planted-secret-4",
} as const;

/** One real broker with a listener for each way to speak to it, and what a client needs for them. */
export interface SecureKafka {
  readonly broker: KafkaBroker;
  readonly folder: string;
  readonly ca: Identity;
  readonly otherCa: Identity;
  readonly provider: TokenProvider;
  /** Address of a listener: TLS, MTLS, PASSWORD, CLEAR, TOKEN, JWT, SHORT, STALE, NAMED. */
  at(listener: string): string;
  /** A file in the folder; its path. */
  file(name: string, text: string): string;
  stop(): Promise<void>;
}

const LISTENERS = {
  TLS: "SSL",
  MTLS: "SSL",
  STALE: "SSL",
  NAMED: "SSL",
  PASSWORD: "SASL_SSL",
  CLEAR: "SASL_PLAINTEXT",
  SHORT: "SASL_PLAINTEXT",
  TOKEN: "SASL_SSL",
  JWT: "SASL_SSL",
} as const;

const MODULES = "org.apache.kafka.common.security";

export async function startSecureKafka(): Promise<SecureKafka> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-secure-"));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const ca = makeIdentity({ name: "Test CA", issuer: null, isAuthority: true });
  const otherCa = makeIdentity({ name: "Other CA", issuer: null, isAuthority: true });
  const hosts = ["127.0.0.1", "localhost"];
  const server = makeIdentity({ name: "broker", issuer: ca, hosts });
  const notAfter = new Date(Date.now() - 24 * 3_600_000);
  const stale = makeIdentity({ name: "stale", issuer: ca, hosts, notAfter });
  const named = makeIdentity({ name: "named", issuer: ca, hosts: ["broker.test"] });
  const store = (name: string, identity: Identity): Record<string, string> => ({
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": file(`${name}.pem`, identity.keyPem() + identity.certificate),
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": file("broker-ca.pem", ca.certificate),
  });
  const provider = await TokenProvider.start("client-1", SECRETS.clientSecret, null);
  const keys = provider.url("/jwks");
  const broker = await startKafka({
    listeners: LISTENERS,
    scram: ["SCRAM-SHA-256", "SCRAM-SHA-512"].map(
      (mechanism) => `${mechanism}=[name=alice,password=${SECRETS.password}]`,
    ),
    system: { "org.apache.kafka.sasl.oauthbearer.allowed.urls": keys },
    config: {
      ...store("server", server),
      ...prefixed("stale", store("stale", stale)),
      ...prefixed("named", store("named", named)),
      ...prefixed("mtls", { "ssl.client.auth": "required" }),
      ...passwords("password", {}),
      ...passwords("clear", {}),
      ...passwords("short", { "connections.max.reauth.ms": "1500" }),
      ...tokens("token", {}),
      ...tokens("jwt", {
        "sasl.server.callback.handler.class": `${MODULES}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
        "sasl.oauthbearer.jwks.endpoint.url": keys,
        "sasl.oauthbearer.expected.audience": "kafka",
        "sasl.oauthbearer.expected.issuer": "https://issuer.test",
      }),
      "connection.failed.authentication.delay.ms": "0",
    },
  });
  return {
    broker,
    folder,
    ca,
    otherCa,
    provider,
    file,
    at: (listener) => broker.listeners.get(listener) ?? "",
    stop: async () => {
      await broker.stop();
      await provider.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function prefixed(
  listener: string,
  settings: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = Object.entries(settings);
  return Object.fromEntries(entries.map(([k, v]) => [`listener.name.${listener}.${k}`, v]));
}

function passwords(listener: string, more: Readonly<Record<string, string>>) {
  const plain = `${MODULES}.plain.PlainLoginModule required user_alice="${SECRETS.password}";`;
  const scram = `${MODULES}.scram.ScramLoginModule required;`;
  const settings: Record<string, string> = {
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    "plain.sasl.jaas.config": plain,
    "scram-sha-256.sasl.jaas.config": scram,
    "scram-sha-512.sasl.jaas.config": scram,
  };
  for (const mechanism of ["plain", "scram-sha-256", "scram-sha-512"]) {
    for (const [key, value] of Object.entries(more)) settings[`${mechanism}.${key}`] = value;
  }
  return prefixed(listener, settings);
}

function tokens(listener: string, more: Readonly<Record<string, string>>) {
  const module = `${MODULES}.oauthbearer.OAuthBearerLoginModule required`;
  const settings: Record<string, string> = {
    "sasl.enabled.mechanisms": "OAUTHBEARER",
    "oauthbearer.sasl.jaas.config": `${module} unsecuredLoginStringClaim_sub="broker";`,
  };
  for (const [key, value] of Object.entries(more)) settings[`oauthbearer.${key}`] = value;
  return prefixed(listener, settings);
}
