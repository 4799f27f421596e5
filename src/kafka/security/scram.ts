import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { type Exchange, type Mechanism, UntrustedAnswer } from "./mechanism.ts";

/**
 *   client                                   broker
 *   n,,n=user,r=nonce                  ──▶
 *                                      ◀──   r=nonce+more, s=salt, i=iterations
 *   c=biws,r=nonce+more,p=proof        ──▶
 *                                      ◀──   v=signature
 *
 * SASL/SCRAM (RFC 5802): the password is never sent, and the broker proves in turn that it knows it.
 */
const HASHES = { "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512" } as const;

export type ScramName = keyof typeof HASHES;

/** RFC 7677 asks for no fewer; Kafka refuses to store fewer. */
const ITERATIONS_MIN = 4096;
/** A second of one core. More would let whoever answers keep us busy. */
const ITERATIONS_MAX = 1_000_000;

const NO_CHANNEL_BINDING = "n,,";

const derive = promisify(pbkdf2);

export function scram(
  name: ScramName,
  username: string,
  password: string,
  newNonce: () => string = () => randomBytes(24).toString("base64"),
): Mechanism {
  return {
    name,
    who: `user ${username}`,
    remedy: () =>
      `check sasl.username and sasl.password, and that the user has credentials for ${name}`,
    begin: async () => exchange(HASHES[name], username, password, newNonce()),
  };
}

function exchange(hash: string, username: string, password: string, nonce: string): Exchange {
  const bare = `n=${username.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  let signature: Buffer | null = null;
  return {
    first: Buffer.from(NO_CHANNEL_BINDING + bare),
    next: async (challenge) => {
      if (signature !== null) {
        verifySignature(fields(challenge), signature);
        return null;
      }
      const server = fields(challenge);
      const { combined, salt, iterations } = readFirst(server, nonce);
      const salted = await derive(password, salt, iterations, digest(hash, "").length, hash);
      const channel = Buffer.from(NO_CHANNEL_BINDING).toString("base64");
      const withoutProof = `c=${channel},r=${combined}`;
      const signed = `${bare},${challenge.toString()},${withoutProof}`;
      const clientKey = hmac(hash, salted, "Client Key");
      const clientSignature = hmac(hash, digest(hash, clientKey), signed);
      const proof = clientKey.map((byte, i) => byte ^ (clientSignature[i] ?? 0));
      signature = hmac(hash, hmac(hash, salted, "Server Key"), signed);
      return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString("base64")}`);
    },
  };
}

function readFirst(
  server: ReadonlyMap<string, string>,
  nonce: string,
): { combined: string; salt: Buffer; iterations: number } {
  const combined = server.get("r") ?? "";
  if (!combined.startsWith(nonce) || combined.length === nonce.length) {
    throw new UntrustedAnswer("its nonce does not continue ours");
  }
  const iterations = Number(server.get("i"));
  const isBounded = iterations >= ITERATIONS_MIN && iterations <= ITERATIONS_MAX;
  if (!Number.isInteger(iterations) || !isBounded) {
    const bounds = `${ITERATIONS_MIN} to ${ITERATIONS_MAX}`;
    throw new UntrustedAnswer(`it asks for ${server.get("i")} iterations; ${bounds} are accepted`);
  }
  const salt = Buffer.from(server.get("s") ?? "", "base64");
  if (salt.length === 0) throw new UntrustedAnswer("it sends no salt");
  return { combined, salt, iterations };
}

function verifySignature(server: ReadonlyMap<string, string>, expected: Buffer): void {
  const given = Buffer.from(server.get("v") ?? "", "base64");
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw new UntrustedAnswer("its signature is wrong: it does not know the password");
}

/** `r=…,s=…,i=…`; the value may hold further `=`. */
function fields(message: Buffer): Map<string, string> {
  const pairs = message.toString().split(",");
  return new Map(pairs.map((pair) => [pair.slice(0, 1), pair.slice(2)]));
}

function digest(hash: string, data: Buffer | string): Buffer {
  return createHash(hash).update(data).digest();
}

function hmac(hash: string, key: Buffer, data: string): Buffer {
  return createHmac(hash, key).update(data).digest();
}
