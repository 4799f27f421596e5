import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** Certificates for tests, made on the spot: X.509 v3 in DER, signed with ECDSA and SHA-256. */
export interface Identity {
  readonly name: string;
  readonly certificate: string;
  readonly key: KeyObject;
  /** Private key as PKCS#8 PEM; encrypted where a password is given. */
  keyPem(password?: string): string;
}

export interface IdentityOptions {
  readonly name: string;
  /** Null for a certificate that signs itself. */
  readonly issuer: Identity | null;
  readonly isAuthority?: boolean;
  /** DNS names, and IPv4 addresses. */
  readonly hosts?: readonly string[];
  readonly notAfter?: Date;
}

const YEAR_MS = 365 * 24 * 3_600_000;

export function makeIdentity(options: IdentityOptions): Identity {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const issuerKey = options.issuer?.key ?? privateKey;
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    commonName(options.issuer?.name ?? options.name),
    sequence(
      time(new Date(Date.now() - YEAR_MS)),
      time(options.notAfter ?? new Date(Date.now() + YEAR_MS)),
    ),
    commonName(options.name),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...extensions(options))),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign("sha256", body, issuerKey)]);
  const certificate = pem("CERTIFICATE", sequence(body, algorithm, tagged(0x03, signature)));
  return {
    name: options.name,
    certificate,
    key: privateKey,
    keyPem: (password) => {
      const encoding = { type: "pkcs8", format: "pem" } as const;
      const encrypted = { ...encoding, cipher: "aes-256-cbc", passphrase: password ?? "" };
      return String(privateKey.export(password === undefined ? encoding : encrypted));
    },
  };
}

function extensions({ isAuthority = false, hosts = [] }: IdentityOptions): Buffer[] {
  const found: Buffer[] = [];
  if (isAuthority) {
    const basic = sequence(tagged(0x01, Buffer.from([0xff])));
    found.push(sequence(oid("2.5.29.19"), tagged(0x01, Buffer.from([0xff])), tagged(0x04, basic)));
  }
  if (hosts.length > 0) {
    const names = hosts.map((host) =>
      /^[\d.]+$/.test(host)
        ? tagged(0x87, Buffer.from(host.split(".").map(Number)))
        : tagged(0x82, Buffer.from(host)),
    );
    found.push(sequence(oid("2.5.29.17"), tagged(0x04, sequence(...names))));
  }
  return found;
}

function commonName(name: string): Buffer {
  const attribute = sequence(oid("2.5.4.3"), tagged(0x0c, Buffer.from(name)));
  return sequence(tagged(0x31, attribute));
}

/** YYYYMMDDhhmmssZ, as GeneralizedTime. */
function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return tagged(0x18, Buffer.from(digits));
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
