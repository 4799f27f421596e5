import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import type { TlsSettings } from "../../config/security.ts";
import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import type { Log } from "../../ports/log.ts";

interface Loaded {
  readonly context: SecureContext;
  /** Trusted certificates as PEM; null for the well-known ones. */
  readonly trusted: readonly string[] | null;
  /** Of the files, when they were read. */
  readonly stamp: string;
}

/**
 * Certificates and key, read when first needed and again when a file has changed: each new connection
 * has the current ones, open connections keep theirs. While a changed file cannot be used (it may be
 * half written), the last good ones serve on, and the log says so.
 */
export class TlsContext {
  readonly #settings: TlsSettings;
  readonly #log: Log;
  #loaded: Loaded | null = null;
  #complainedOf = "";

  constructor(settings: TlsSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  /** Throws TLS_FAILED where there never was a usable set. */
  secureContext(): SecureContext {
    return this.#current().context;
  }

  /** For a token provider: its certificate may be a well-known one, whatever the brokers have. */
  trustedWithWellKnown(): readonly string[] | null {
    const { trusted } = this.#current();
    return trusted === null ? null : [...rootCertificates, ...trusted];
  }

  #current(): Loaded {
    const stamp = this.#stamp();
    if (this.#loaded !== null && this.#loaded.stamp === stamp) return this.#loaded;
    try {
      const isReload = this.#loaded !== null;
      this.#loaded = load(this.#settings, stamp);
      if (isReload) this.#log.info("the certificates of the Kafka client were read again");
    } catch (thrown) {
      if (this.#loaded === null) throw thrown;
      if (this.#complainedOf !== stamp) {
        this.#complainedOf = stamp;
        this.#log.warn(`${asError(thrown).message}; the certificates read before serve on`);
      }
    }
    return this.#loaded;
  }

  #stamp(): string {
    const { trustFile, keyFile } = this.#settings;
    return [trustFile, keyFile].map((path) => (path === null ? "" : stampOf(path))).join("/");
  }
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "missing";
  }
}

function load(settings: TlsSettings, stamp: string): Loaded {
  const trusted = trustedOf(settings);
  const pair = pairOf(settings);
  try {
    const context = createSecureContext({
      minVersion: "TLSv1.2",
      ...(trusted === null ? {} : { ca: [...trusted] }),
      ...pair,
    });
    return { context, trusted, stamp };
  } catch (thrown) {
    throw unusable(`key and certificate in ${keyPlace(settings)} do not work together`, thrown);
  }
}

function trustedOf({ trustFile, trustPem }: TlsSettings): readonly string[] | null {
  const place = trustFile === null ? "ssl.truststore.certificates" : trustFile;
  const pem = trustFile === null ? trustPem : text("ssl.truststore.location", trustFile);
  if (pem === null) return null;
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (certificates === null) {
    throw unusable(`${place} holds no certificate: PEM is expected, -----BEGIN CERTIFICATE-----`);
  }
  try {
    for (const each of certificates) new X509Certificate(each);
  } catch (thrown) {
    throw unusable(`${place} holds a certificate that cannot be read`, thrown);
  }
  return certificates;
}

function pairOf(settings: TlsSettings): { key?: string; cert?: string; passphrase?: string } {
  const { keyFile, keyPem, certificatePem, keyPassword } = settings;
  const stored = keyFile === null ? null : text("ssl.keystore.location", keyFile);
  const key = stored ?? keyPem;
  const cert = stored ?? certificatePem;
  if (key === null || cert === null) return {};
  const passphrase = keyPassword === null ? {} : { passphrase: keyPassword };
  try {
    createPrivateKey({ key, ...passphrase });
  } catch (thrown) {
    // What OpenSSL says of a wrong password is no help to anybody.
    const isLocked = key.includes("ENCRYPTED");
    const remedy = isLocked ? "; check ssl.key.password" : ": PEM is expected";
    throw unusable(`the private key in ${keyPlace(settings)} cannot be read${remedy}`, thrown);
  }
  return { key, cert, ...passphrase };
}

function keyPlace({ keyFile }: TlsSettings): string {
  return keyFile ?? "ssl.keystore.key";
}

function text(key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    throw unusable(`${key} cannot be read: ${asError(thrown).message}`, thrown);
  }
}

function unusable(message: string, cause?: unknown): OutriggerError {
  return new OutriggerError("TLS_FAILED", message, cause === undefined ? {} : { cause });
}
