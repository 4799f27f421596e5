import type { Config } from "./config.ts";
import { parseJaas } from "./jaas.ts";

/** Certificates and key: files are read when they are needed, and again when they change. */
export interface TlsSettings {
  readonly trustFile: string | null;
  readonly trustPem: string | null;
  readonly keyFile: string | null;
  readonly keyPem: string | null;
  readonly certificatePem: string | null;
  readonly keyPassword: string | null;
  /** Whether a broker's certificate must name the host that was dialled. */
  readonly verifyHost: boolean;
}

export type TokenOrigin =
  | { readonly kind: "static"; readonly token: string }
  | { readonly kind: "file"; readonly url: string }
  | {
      readonly kind: "provider";
      readonly url: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly scope: string | null;
    };

export type SaslSettings =
  | {
      readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: "OAUTHBEARER";
      readonly origin: TokenOrigin;
      readonly extensions: ReadonlyMap<string, string>;
    };

/** How brokers are spoken to, from the settings that Kafka's clients share. */
export interface SecuritySettings {
  /** Trust, also for a token provider, whatever the protocol. */
  readonly tls: TlsSettings;
  readonly isTls: boolean;
  readonly sasl: SaslSettings | null;
}

/** For a broker that speaks plain text. */
export const NO_SECURITY: Readonly<Record<string, string | null>> = {
  "security.protocol": "PLAINTEXT",
  "ssl.truststore.location": null,
  "ssl.truststore.certificates": null,
  "ssl.keystore.location": null,
  "ssl.keystore.certificate.chain": null,
  "ssl.keystore.key": null,
  "ssl.key.password": null,
  "sasl.mechanism": null,
  "sasl.username": null,
  "sasl.password": null,
  "sasl.jaas.config": null,
  "sasl.oauthbearer.token": null,
  "sasl.oauthbearer.token.endpoint.url": null,
  "sasl.oauthbearer.client.credentials.client.id": null,
  "sasl.oauthbearer.client.credentials.client.secret": null,
  "sasl.oauthbearer.scope": null,
  "sasl.oauthbearer.extensions": null,
};

/** The configuration has been checked: what a mechanism needs is there. */
export function securityOf(config: Config): SecuritySettings {
  const { securityProtocol, sslEndpointIdentificationAlgorithm } = config;
  return {
    tls: {
      trustFile: config.sslTruststoreLocation,
      trustPem: config.sslTruststoreCertificates,
      keyFile: config.sslKeystoreLocation,
      keyPem: config.sslKeystoreKey,
      certificatePem: config.sslKeystoreCertificateChain,
      keyPassword: config.sslKeyPassword,
      verifyHost: sslEndpointIdentificationAlgorithm === "https",
    },
    isTls: securityProtocol === "SSL" || securityProtocol === "SASL_SSL",
    sasl: securityProtocol.startsWith("SASL_") ? saslOf(config) : null,
  };
}

function saslOf(config: Config): SaslSettings | null {
  const mechanism = config.saslMechanism;
  if (mechanism === null) return null;
  const jaas = parseJaas(config.saslJaasConfig ?? "")?.options ?? new Map<string, string>();
  if (mechanism !== "OAUTHBEARER") {
    return {
      mechanism,
      username: config.saslUsername ?? jaas.get("username") ?? "",
      password: config.saslPassword ?? jaas.get("password") ?? "",
    };
  }
  return { mechanism, origin: originOf(config, jaas), extensions: extensionsOf(config, jaas) };
}

function originOf(config: Config, jaas: ReadonlyMap<string, string>): TokenOrigin {
  const url = config.saslOauthbearerTokenEndpointUrl;
  if (url === null) return { kind: "static", token: config.saslOauthbearerToken ?? "" };
  if (url.startsWith("file:")) return { kind: "file", url };
  return {
    kind: "provider",
    url,
    clientId: config.saslOauthbearerClientCredentialsClientId ?? jaas.get("clientId") ?? "",
    clientSecret:
      config.saslOauthbearerClientCredentialsClientSecret ?? jaas.get("clientSecret") ?? "",
    scope: config.saslOauthbearerScope ?? jaas.get("scope") ?? null,
  };
}

const EXTENSION_PREFIX = "extension_";

function extensionsOf(config: Config, jaas: ReadonlyMap<string, string>): Map<string, string> {
  const extensions = new Map<string, string>();
  for (const [key, value] of jaas) {
    if (key.startsWith(EXTENSION_PREFIX)) extensions.set(key.slice(EXTENSION_PREFIX.length), value);
  }
  for (const pair of config.saslOauthbearerExtensions?.split(",") ?? []) {
    const at = pair.indexOf("=");
    extensions.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return extensions;
}
