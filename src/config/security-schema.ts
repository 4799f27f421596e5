import * as z from "zod";

function optionalText(description: string) {
  return z.string().min(1).nullable().default(null).meta({ description });
}

function secretText(description: string) {
  return z.string().min(1).nullable().default(null).meta({ writeOnly: true, description });
}

const PEM_REASON =
  "PEM is the only type: `openssl pkcs12 -in store.p12 -nodes -out store.pem` converts a PKCS12 store, " +
  "and `keytool -importkeystore -deststoretype PKCS12` makes one of a JKS";

function storeType(description: string) {
  return z.literal("PEM", { error: PEM_REASON }).default("PEM").meta({ description });
}

/** Kafka's own keys where it has one. */
export const security = {
  "security.protocol": z
    .enum(["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
    .default("PLAINTEXT")
    .meta({ description: "How brokers are spoken to: SSL is TLS, SASL_ authenticates." }),
  "ssl.truststore.type": storeType("Format of the trusted certificates."),
  "ssl.truststore.location": optionalText(
    "File of the CA certificates that brokers are checked against, read again when it changes. " +
      "Without it, the well-known CAs that come with Node.",
  ),
  "ssl.truststore.certificates": optionalText("The same certificates, as the PEM text itself."),
  "ssl.keystore.type": storeType("Format of the client's certificate and key."),
  "ssl.keystore.location": optionalText(
    "File of the client's private key and certificate chain, read again when it changes.",
  ),
  "ssl.keystore.certificate.chain": optionalText("The certificate chain, as the PEM text itself."),
  "ssl.keystore.key": secretText("The private key, as the PEM text itself."),
  "ssl.key.password": secretText("Password of an encrypted private key."),
  "ssl.endpoint.identification.algorithm": z
    .enum(["https", "none", ""])
    .default("https")
    .meta({
      description:
        "With `https` a broker's certificate must name the host that was dialled. With `none`, or an " +
        "empty text, anybody with a certificate of the CA can stand in for a broker.",
    }),
  "sasl.mechanism": z
    .enum(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"])
    .nullable()
    .default(null)
    .meta({ description: "How to authenticate, with SASL_PLAINTEXT and SASL_SSL." }),
  "sasl.username": optionalText("User of PLAIN and SCRAM."),
  "sasl.password": secretText("Password of PLAIN and SCRAM."),
  "sasl.jaas.config": secretText(
    "The same, and the client id and secret of OAUTHBEARER, as a line for the Java client.",
  ),
  "sasl.oauthbearer.token": secretText("A token for OAUTHBEARER that never changes."),
  "sasl.oauthbearer.token.endpoint.url": z
    .string()
    .regex(/^(https?:\/\/[^\s@]+|file:\/\/\/\S+)$/)
    .nullable()
    .default(null)
    .meta({
      description:
        "Where tokens come from: `https://…` of an OpenID provider, asked with client id and " +
        "secret, or `file:///…`, read for each authentication.",
    }),
  "sasl.oauthbearer.client.credentials.client.id": optionalText("Client id at the provider."),
  "sasl.oauthbearer.client.credentials.client.secret": secretText("Its secret."),
  "sasl.oauthbearer.scope": optionalText("Scope to ask the provider for."),
  "sasl.oauthbearer.extensions": z
    .string()
    .regex(/^[A-Za-z]+=[^,]*(,[A-Za-z]+=[^,]*)*$/)
    .nullable()
    .default(null)
    .meta({ description: "SASL extensions that go with the token (KIP-342)." }),
};
