import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { Connection } from "../../../src/kafka/network/connection.ts";
import { ApiVersions } from "../../../src/kafka/protocol/api-versions.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { type WireReader, WireWriter } from "../../../src/kafka/protocol/wire.ts";
import { authenticate } from "../../../src/kafka/security/authenticate.ts";
import {
  type Exchange,
  type Mechanism,
  UntrustedAnswer,
} from "../../../src/kafka/security/mechanism.ts";
import { oauthBearer } from "../../../src/kafka/security/oauthbearer.ts";
import { plain } from "../../../src/kafka/security/plain.ts";
import { scram } from "../../../src/kafka/security/scram.ts";
import { keepAuthenticated } from "../../../src/kafka/security/session.ts";
import { tokenSource } from "../../../src/kafka/security/token-source.ts";
import { type Script, ScriptedBroker } from "./scripted-broker.ts";

/** RFC 7677, section 3. */
const NONCE = "rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST = `r=${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const CLIENT_FINAL = `c=biws,r=${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=${PROOF}`;
const SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

const rfc = (): Promise<Exchange> => scram("SCRAM-SHA-256", "user", "pencil", () => NONCE).begin();

test("SCRAM says what RFC 7677 says, and takes the broker's proof", async () => {
  const exchange = await rfc();
  assert.equal(exchange.first.toString(), `n,,n=user,r=${NONCE}`);
  assert.equal(String(await exchange.next(Buffer.from(SERVER_FIRST))), CLIENT_FINAL);
  assert.equal(await exchange.next(Buffer.from(SERVER_FINAL)), null);
});

test("SCRAM does not trust a broker that cannot prove that it knows the password", async () => {
  for (const final of ["v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "v=", "", "e=other"]) {
    const exchange = await rfc();
    await exchange.next(Buffer.from(SERVER_FIRST));
    await assert.rejects(exchange.next(Buffer.from(final)), UntrustedAnswer, final);
  }
});

test("SCRAM refuses another nonce, too few and too many iterations, and no salt", async () => {
  for (const [first, said] of [
    [SERVER_FIRST.replace("rOpr", "sOpr"), /nonce/],
    [SERVER_FIRST.replace("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""), /nonce/],
    [SERVER_FIRST.replace("4096", "4095"), /4095 iterations/],
    [SERVER_FIRST.replace("4096", "1000001"), /1000001 iterations/],
    [SERVER_FIRST.replace("4096", "1e9"), /iterations/],
    [SERVER_FIRST.replace("i=4096", "x=1"), /iterations/],
    [SERVER_FIRST.replace("s=W22ZaJ0SNY7soEsUEjb6gQ==", "s="), /salt/],
    ["", /nonce/],
  ] as const) {
    await assert.rejects((await rfc()).next(Buffer.from(first)), said, first);
  }
});

test("a name with separators is quoted, and every exchange has a nonce of its own", async () => {
  const mechanism = scram("SCRAM-SHA-512", "a=b,c", "x");
  const [one, other] = [await mechanism.begin(), await mechanism.begin()];
  assert.match(one.first.toString(), /^n,,n=a=3Db=2Cc,r=[A-Za-z0-9+/]{32}$/);
  assert.notEqual(one.first.toString(), other.first.toString());
});

test("PLAIN and OAUTHBEARER say what their RFCs say", async () => {
  const exchange = await plain("alice", "sesame").begin();
  assert.equal(exchange.first.toString(), "\0alice\0sesame");
  assert.equal(await exchange.next(Buffer.alloc(0)), null);
  const source = tokenSource({ kind: "static", token: "abc.def" }, () => null);
  const bearer = await oauthBearer(source, new Map([["tenant", "a"]])).begin();
  assert.equal(bearer.first.toString(), "n,,\x01auth=Bearer abc.def\x01tenant=a\x01\x01");
  assert.equal(await bearer.next(Buffer.alloc(0)), null);
  // Refused: the broker waits for this before it says so.
  assert.equal(String(await bearer.next(Buffer.from('{"status":"invalid_token"}'))), "\x01");
});

test("a token that would break out of its message is refused, and not repeated", async () => {
  const source = tokenSource({ kind: "static", token: "abc\x01auth=x" }, () => null);
  await assert.rejects(source.get(), (thrown: unknown) => {
    assert.ok(thrown instanceof OutriggerError && thrown.code === "AUTHENTICATION_FAILED");
    assert.ok(!thrown.message.includes("abc"));
    return true;
  });
});

const VERSIONS = new ApiVersions(
  new Map([
    [17, [0, 1]],
    [36, [0, 2]],
  ]),
  new Map(),
);
const ECHO = 99;

function echo(value: number) {
  return {
    apiKey: ECHO,
    apiVersion: 1,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [new WireWriter().int32(value).finish()],
    decode: (reader: WireReader) => reader.int32(),
  };
}

function handshakeAnswer(error: number, mechanisms: readonly string[]): Buffer {
  const writer = new WireWriter().int16(error).int32(mechanisms.length);
  for (const each of mechanisms) writer.string(each);
  return writer.finish();
}

function authenticateAnswer(error: number, message: string | null, lifetimeMs: number): Buffer {
  return new WireWriter()
    .int16(error)
    .compactNullableString(message)
    .compactBytes(Buffer.alloc(0))
    .int64(lifetimeMs)
    .emptyTags()
    .finish();
}

async function connected(
  script: Script,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const broker = await ScriptedBroker.start(script);
  const options = { ...broker.address, clientId: "test", requestTimeoutMs: 5_000 };
  const connection = await Connection.open(options);
  try {
    await use(connection);
  } finally {
    connection.close();
    await broker.stop();
  }
}

const LIMITS = { retryBackoffMs: 1, retryBackoffMaxMs: 5 };

test("KIP-368: a session is renewed before it ends, and nothing comes between its messages", () => {
  const seen: number[] = [];
  const script: Script = ({ apiKey, reader }) => {
    seen.push(apiKey);
    if (apiKey === 17) return handshakeAnswer(0, ["PLAIN"]);
    if (apiKey === 36) return authenticateAnswer(0, null, 1_100);
    return new WireWriter().int32(reader.int32()).finish();
  };
  return connected(script, async (connection) => {
    const stop = await keepAuthenticated(connection, plain("a", "b"), VERSIONS, LIMITS);
    const renewals = (): number => seen.filter((apiKey) => apiKey === 36).length;
    for (let i = 0; renewals() < 3; i++) assert.equal(await connection.send(echo(i)), i);
    stop();
    // Requests went on all the while, and none stands between handshake and authentication.
    for (const [i, apiKey] of seen.entries()) if (apiKey === 17) assert.equal(seen[i + 1], 36);
    assert.ok(seen.filter((apiKey) => apiKey === ECHO).length > 10);
  });
});

test("a renewal that is refused ends the connection with the reason, for all that wait", () => {
  let authentications = 0;
  const script: Script = ({ apiKey, reader }) => {
    if (apiKey === 17) return handshakeAnswer(0, ["PLAIN"]);
    if (apiKey === 36) {
      authentications++;
      const isFirst = authentications === 1;
      return authenticateAnswer(isFirst ? 0 : ERROR.SASL_AUTHENTICATION_FAILED, "no more", 1_100);
    }
    return new WireWriter().int32(reader.int32()).finish();
  };
  return connected(script, async (connection) => {
    await keepAuthenticated(connection, plain("alice", "b"), VERSIONS, LIMITS);
    const failure = await (async () => {
      for (;;) await connection.send(echo(1));
    })().catch((thrown: unknown) => thrown);
    assert.ok(failure instanceof OutriggerError);
    assert.equal(failure.code, "AUTHENTICATION_FAILED");
    assert.match(failure.message, /refused user alice by PLAIN: no more; check sasl\.username/);
  });
});

test("while a token cannot be had, a session is renewed later, and requests go on", () => {
  const answers = { begun: 0 };
  const mechanism: Mechanism = {
    ...plain("a", "b"),
    begin: async () => {
      answers.begun++;
      if (answers.begun === 2 || answers.begun === 3) {
        throw new OutriggerError("TOKEN_UNAVAILABLE", "the provider is down");
      }
      return plain("a", "b").begin();
    },
  };
  const script: Script = ({ apiKey, reader }) => {
    if (apiKey === 17) return handshakeAnswer(0, ["PLAIN"]);
    if (apiKey === 36) return authenticateAnswer(0, null, 1_100);
    return new WireWriter().int32(reader.int32()).finish();
  };
  return connected(script, async (connection) => {
    const stop = await keepAuthenticated(connection, mechanism, VERSIONS, LIMITS);
    for (let i = 0; answers.begun < 4; i++) assert.equal(await connection.send(echo(i)), i);
    assert.equal(connection.ended, null);
    stop();
  });
});

test("a broker that goes on asking, or speaks no such mechanism, is left", async () => {
  const endless: Exchange = { first: Buffer.from("a"), next: async () => Buffer.from("a") };
  const asking: Script = ({ apiKey }) =>
    apiKey === 17 ? handshakeAnswer(0, ["PLAIN"]) : authenticateAnswer(0, null, 0);
  const run = (script: Script, line: RegExp) =>
    connected(script, async (connection) => {
      const { send } = { send: connection.send.bind(connection) };
      const mechanism = plain("a", "b");
      await assert.rejects(authenticate("b:1", mechanism, endless, VERSIONS, send), line);
    });
  await run(asking, /without an end/);
  const other = () => handshakeAnswer(ERROR.UNSUPPORTED_SASL_MECHANISM, ["GSSAPI", "OAUTHBEARER"]);
  await run(other, /does not offer PLAIN, but GSSAPI, OAUTHBEARER: set sasl\.mechanism/);
  await run(() => handshakeAnswer(ERROR.ILLEGAL_SASL_STATE, []), /does not authenticate by SASL/);
});
