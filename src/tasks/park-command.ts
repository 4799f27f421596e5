/** What a command asks of the task whose partition of the control topic it stands in. */
export interface ParkCommand {
  /** Processed again; dropped, with a dead letter; dropped without a trace. */
  readonly action: "release" | "drop" | "discard";
  /** The key, or null for every key that waits. */
  readonly key: Buffer | null;
  /** The last record that whoever asks has seen: what was parked after it is not dropped. */
  readonly until: number;
}

export function encodeParkCommand({ action, key, until }: ParkCommand): string {
  return JSON.stringify({ v: 1, action, key: key?.toString("base64") ?? null, until });
}

/** Null for what is no command of ours, or of a version that says more. */
export function decodeParkCommand(value: Buffer | null): ParkCommand | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value?.toString() ?? "");
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const { v, action, key, until } = parsed as Readonly<Record<string, unknown>>;
  if (v !== 1 || typeof until !== "number") return null;
  if (action !== "release" && action !== "drop" && action !== "discard") return null;
  if (key === null) return { action, key, until };
  return typeof key === "string" ? { action, key: Buffer.from(key, "base64"), until } : null;
}
