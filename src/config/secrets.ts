const SECRET = /password|passphrase|secret|token|credential|jaas|private\.key/i;

/** Stands in for a secret wherever a value is shown. */
export const REDACTED = "***";

/** A value as it may be shown: in faults, in `describe config`, in logs. */
export function shown(key: string, value: unknown): string {
  if (SECRET.test(key)) return REDACTED;
  return typeof value === "string" ? value : JSON.stringify(value);
}
