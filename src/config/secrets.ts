/** What a secret is called, for keys that are not ours: those that are bear a mark in the schema. */
const SECRET = /password|passphrase|secret|token|credential|jaas|private\.key|keystore\.key/i;

/** Named like secrets, and none. */
const OPEN = [
  "sasl.oauthbearer.token.endpoint.url",
  "sasl.oauthbearer.client.credentials.client.id",
];

/** Stands in for a secret wherever a value is shown. */
export const REDACTED = "***";

/**
 * A value as it may be shown: in faults, by `config print`, in logs. What came out of a file of its
 * own is a secret whatever its key is called.
 */
export function shown(key: string, value: unknown, isSecret = false): string {
  if (isSecret || (SECRET.test(key) && !OPEN.includes(key))) return REDACTED;
  // An address may hold a user and a password.
  if (typeof value === "string") return value.replace(/\/\/[^/@\s]*@/, `//${REDACTED}@`);
  return JSON.stringify(value);
}
