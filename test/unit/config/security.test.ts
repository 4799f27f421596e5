import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseJaas } from "../../../src/config/jaas.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";
import { securityOf } from "../../../src/config/security.ts";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";

const BASE = { "application.id": "orders", "bootstrap.servers": "localhost:9092" };

function resolve(settings: Record<string, string>) {
  return securityOf(resolveConfig({ flags: { ...BASE, ...settings } }).config);
}

/** The faults, each a line. */
function faults(settings: Record<string, string>): string[] {
  try {
    resolve(settings);
  } catch (thrown) {
    assert.ok(thrown instanceof OutriggerError && thrown.code === "CONFIG_INVALID");
    return thrown.message.split("\n- ").slice(1);
  }
  return [];
}

const SCRAM = { "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512" };
const BEARER = { "security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER" };
const PLAIN_LINE =
  "org.apache.kafka.common.security.plain.PlainLoginModule required " +
  'username="alice" password="a\\"b;c";';

describe("security settings", () => {
  it("are plain text by default", () => {
    const { isTls, sasl } = resolve({});
    assert.deepEqual({ isTls, sasl }, { isTls: false, sasl: null });
  });

  it("give a user and a password, by keys or by a line for Java", () => {
    const keys = { "sasl.username": "alice", "sasl.password": "pw" };
    assert.deepEqual(resolve({ ...SCRAM, ...keys }).sasl, {
      mechanism: "SCRAM-SHA-512",
      username: "alice",
      password: "pw",
    });
    const line = { ...SCRAM, "sasl.mechanism": "PLAIN", "sasl.jaas.config": PLAIN_LINE };
    assert.deepEqual(resolve(line).sasl, {
      mechanism: "PLAIN",
      username: "alice",
      password: 'a"b;c',
    });
  });

  it("give a token: of its own, of a file, or of a provider", () => {
    assert.deepEqual(resolve({ ...BEARER, "sasl.oauthbearer.token": "t" }).sasl, {
      mechanism: "OAUTHBEARER",
      origin: { kind: "static", token: "t" },
      extensions: new Map(),
    });
    const url = "https://idp.test/token";
    const provider = {
      ...BEARER,
      "sasl.oauthbearer.token.endpoint.url": url,
      "sasl.oauthbearer.extensions": "tenant=a,pool=b=c",
      "sasl.jaas.config":
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " +
        "clientId='id' clientSecret=\"secret\" scope=kafka extension_zone='z';",
    };
    assert.deepEqual(resolve(provider).sasl, {
      mechanism: "OAUTHBEARER",
      origin: { kind: "provider", url, clientId: "id", clientSecret: "secret", scope: "kafka" },
      extensions: new Map([
        ["zone", "z"],
        ["tenant", "a"],
        ["pool", "b=c"],
      ]),
    });
  });

  it("turn the check of the host off by an empty text, as in Java, or by none", () => {
    const ssl = { "security.protocol": "SSL" };
    const key = "ssl.endpoint.identification.algorithm";
    assert.equal(resolve(ssl).tls.verifyHost, true);
    assert.equal(resolve({ ...ssl, [key]: "" }).tls.verifyHost, false);
    assert.equal(resolve({ ...ssl, [key]: "none" }).tls.verifyHost, false);
  });

  const refused: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    [
      "TLS without encryption",
      { "ssl.truststore.location": "ca.pem" },
      /PLAINTEXT does not encrypt/,
    ],
    ["a password that nobody asks for", { "sasl.password": "p-1" }, /sasl\.password is set, but/],
    ["SASL without a mechanism", { "security.protocol": "SASL_SSL" }, /sasl\.mechanism is missing/],
    ["GSSAPI", { ...SCRAM, "sasl.mechanism": "GSSAPI" }, /must be `PLAIN`, `SCRAM-SHA-256`/],
    ["no password", { ...SCRAM, "sasl.username": "a" }, /and sasl\.password is missing/],
    ["no token", BEARER, /there is no token: set sasl\.oauthbearer\.token\.endpoint\.url/],
    [
      "a provider without a secret",
      {
        ...BEARER,
        "sasl.oauthbearer.token.endpoint.url": "https://idp.test",
        "sasl.oauthbearer.client.credentials.client.id": "id",
      },
      /client\.secret is missing/,
    ],
    [
      "a provider's address with a password in it",
      { ...BEARER, "sasl.oauthbearer.token.endpoint.url": "https://id:p-2@idp.test" },
      /without a user/,
    ],
    [
      "a key without its certificate",
      { "security.protocol": "SSL", "ssl.keystore.key": "p-3" },
      /together/,
    ],
    [
      "a JKS store",
      { "security.protocol": "SSL", "ssl.keystore.type": "JKS" },
      /PEM is the only type/,
    ],
    ["a JKS password", { "ssl.truststore.password": "p-4" }, /PEM have no password/],
    [
      "a line that cannot be read",
      { ...SCRAM, "sasl.jaas.config": 'x password="p-5' },
      /cannot be read/,
    ],
    ["a line for another module", { ...SCRAM, "sasl.jaas.config": PLAIN_LINE }, /another module/],
    [
      "an option that means nothing",
      {
        ...SCRAM,
        "sasl.jaas.config":
          'a.ScramLoginModule required username="a" password="p-6" tokenauth="true";',
      },
      /option tokenauth, which means nothing/,
    ],
    [
      "a password twice",
      {
        ...SCRAM,
        "sasl.password": "p-7",
        "sasl.jaas.config": 'a.ScramLoginModule required username="a" password="p-8";',
      },
      /sasl\.password is also in sasl\.jaas\.config/,
    ],
  ];
  for (const [what, settings, line] of refused) {
    it(`refuse ${what}`, () => {
      const found = faults(settings);
      assert.ok(
        found.some((fault) => line.test(fault)),
        found.join("\n"),
      );
      assert.doesNotMatch(found.join(), /p-\d/);
    });
  }

  it("trust a provider by the same certificates where the brokers are not encrypted", () => {
    const settings = {
      "security.protocol": "SASL_PLAINTEXT",
      "sasl.mechanism": "OAUTHBEARER",
      "sasl.oauthbearer.token.endpoint.url": "https://idp.test",
      "sasl.oauthbearer.client.credentials.client.id": "id",
      "sasl.oauthbearer.client.credentials.client.secret": "s",
      "ssl.truststore.location": "ca.pem",
    };
    assert.deepEqual(faults(settings), []);
  });
});

describe("a line for the Java client", () => {
  it("is read with either quote, with escapes and without quotes", () => {
    const jaas = parseJaas(` a.b.C required x="1;2" y='a\\'b' z=3 ;`);
    assert.deepEqual(jaas, {
      module: "C",
      options: new Map([
        ["x", "1;2"],
        ["y", "a'b"],
        ["z", "3"],
      ]),
    });
  });

  it("is nothing without its flag, its end, or its quotes", () => {
    for (const text of ["", "C x=1;", "C required x=1", 'C required x="1;', "C required x;"]) {
      assert.equal(parseJaas(text), null, text);
    }
  });
});
