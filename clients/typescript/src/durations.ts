/** Milliseconds, or a number with a unit: `"500ms"`, `"5m"`, `"1d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Throws a RangeError for what is no duration, is negative or is no whole number of ms. */
export function durationMs(duration: Duration): number {
  const [, number = "", unit = "ms"] = /^([\d.]+)(ms|s|m|h|d)?$/.exec(String(duration)) ?? [];
  const ms = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (number !== "" && Number.isSafeInteger(ms)) return ms;
  throw new RangeError(
    `"${String(duration)}" is no duration: write milliseconds, or a number with ms, s, m, h or d`,
  );
}
