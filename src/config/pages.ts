import { configJsonSchema, type KeyReference, keyReferences } from "./reference.ts";

/** The text of docs/configuration.md. */
export function configurationPage(): string {
  const rows = keyReferences.map(
    (reference) =>
      `| \`${reference.key}\` | ${defaultText(reference)} | ${reference.expected} | ` +
      `${reference.description}${reference.isSecret ? " A secret." : ""} |`,
  );
  return `${INTRODUCTION}
| key | default | value | meaning |
|---|---|---|---|
${rows.join("\n")}
`;
}

/** The text of config.schema.json. */
export function configurationSchema(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

function defaultText({ default: value, isRequired }: KeyReference): string {
  if (value !== null) return `\`${value}\``;
  return isRequired ? "required" : "none";
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/config/schema.ts by scripts/generate-docs.ts. Do not edit. -->

Every setting can be given in four places; the first that has it wins:

1. a flag, \`--commit.interval.ms 50\`;
2. the environment, \`OUTRIGGER_COMMIT_INTERVAL_MS=50\`: the key in capitals, dots as underscores;
3. a file, named by \`--config\` or \`OUTRIGGER_CONFIG\`: YAML with the dotted keys, or Java's
   \`.properties\` where the name ends so;
4. the default.

\`\`\`yaml
application.id: orders
bootstrap.servers: kafka-1:9092,kafka-2:9092
commit.interval.ms: 50
\`\`\`

A value may refer to others: \`\${NAME}\` and \`\${NAME:-default}\` to the environment,
\`\${file:/path}\` to a file; \`$\${\` stands for the characters themselves. With \`_FILE\` behind any of
the names, as in \`OUTRIGGER_SERVER_TOKEN_FILE=/run/secrets/token\`, the value is a file's. What comes
from a file, and what the table calls a secret, is never shown: not in faults, not in logs, not by
\`config print\`.

All faults are reported at once, each with its place; an unknown key is refused with the nearest
known one. Settings of Kafka's clients may have their prefix, as with Kafka Streams:
\`consumer.fetch.min.bytes\` is \`fetch.min.bytes\`. Those that exactly-once owns
(\`enable.auto.commit\`, \`isolation.level\`, \`transactional.id\`, \`acks\` and more) are refused with
the reason, with and without a prefix. \`outrigger config print\` prints every value with its source,
\`outrigger config schema\` a JSON Schema of the file for completion in an editor; it is
\`config.schema.json\` here. \`outrigger check\` looks at the cluster as well, see docs/checks.md.

Brokers are spoken to as Kafka's own clients are told to, here by TLS and SCRAM, with the password in a
file that \`OUTRIGGER_SASL_PASSWORD_FILE\` names; a setting that would be ignored is a fault:

\`\`\`yaml
security.protocol: SASL_SSL
ssl.truststore.location: /etc/kafka/ca.pem
sasl.mechanism: SCRAM-SHA-512
sasl.username: orders
\`\`\`
`;
