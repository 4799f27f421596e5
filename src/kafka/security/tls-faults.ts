import { asError, OutriggerError } from "../../errors/outrigger-error.ts";

/** OpenSSL's and Node's codes, by what they mean to whoever configured this. */
const UNTRUSTED = [
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_UNTRUSTED",
  "CERT_SIGNATURE_FAILURE",
  "INVALID_CA",
];
const OUTDATED = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];
const OTHER_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";
/** What is answered to a client without a certificate, or with one that is not trusted. */
const REFUSALS = [
  "CERTIFICATE_REQUIRED",
  "BAD_CERTIFICATE",
  "CERTIFICATE_UNKNOWN",
  "UNKNOWN_CA",
  "CERTIFICATE_EXPIRED",
  "ACCESS_DENIED",
  "HANDSHAKE_FAILURE",
];
const CLIENT_REFUSED = new RegExp(`^ERR_SSL_.*ALERT_(${REFUSALS.join("|")})$`);
const NOT_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|HTTP_REQUEST/;

/** Says whether the trouble is TLS itself, which no second attempt cures. */
export function isTlsFault(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return (
    code.startsWith("ERR_SSL_") ||
    code === OTHER_NAME ||
    code === "EPROTO" ||
    UNTRUSTED.includes(code) ||
    OUTDATED.includes(code) ||
    /^(CERT|CRL)_/.test(code)
  );
}

/** One line that names the peer and what to change. */
export function tlsFault(peer: string, thrown: unknown): OutriggerError {
  return new OutriggerError("TLS_FAILED", `${peer} ${explained(thrown)}`, { cause: thrown });
}

function explained(thrown: unknown): string {
  const code = codeOf(thrown);
  if (UNTRUSTED.includes(code)) {
    return (
      `shows a certificate that no trusted CA has signed (${code}); put its CA into ` +
      "ssl.truststore.location or ssl.truststore.certificates"
    );
  }
  if (OUTDATED.includes(code)) {
    return `shows a certificate that is not valid today (${code}); renew it, or set the clock`;
  }
  if (code === OTHER_NAME) {
    return (
      `shows a certificate for other names (${namesOf(thrown)}); dial one of them, or have it ` +
      "issued for this one; ssl.endpoint.identification.algorithm=none does not look"
    );
  }
  if (CLIENT_REFUSED.test(code)) {
    return (
      `refuses this client's certificate, or the lack of one (${code}); set ssl.keystore.location ` +
      "to a key and certificate of a CA that it trusts"
    );
  }
  if (NOT_TLS.test(code) || code === "EPROTO") {
    return (
      `does not speak TLS on this port (${code}); dial its TLS listener, or set security.protocol ` +
      "to PLAINTEXT or SASL_PLAINTEXT"
    );
  }
  return `cannot be spoken to by TLS: ${asError(thrown).message} (${code})`;
}

/** `DNS:a, IP Address:1.2.3.4`, which Node puts beside the error. */
function namesOf(thrown: unknown): string {
  const cert = isRecord(thrown) ? thrown["cert"] : null;
  const names = isRecord(cert) ? cert["subjectaltname"] : null;
  return typeof names === "string" ? names.slice(0, 200) : "it has none";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function codeOf(thrown: unknown): string {
  const code = isRecord(thrown) ? thrown["code"] : null;
  return typeof code === "string" ? code : "";
}
