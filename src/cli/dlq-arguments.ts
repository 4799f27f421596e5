import { OutriggerError } from "../errors/outrigger-error.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A moment in ms: ISO 8601, or so long before `nowMs`. Throws CONFIG_INVALID. */
export function sinceMs(flag: string, text: string, nowMs: number): number {
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (UNITS_MS[unit] ?? 0);
  const moment = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  throw wrong(flag, text, "a time, as 2026-01-31T12:00:00Z, or a time ago, as 90s, 30m, 12h or 7d");
}

/** The bytes of a key: text, or `hex:` or `base64:` and the bytes. Throws CONFIG_INVALID. */
export function keyBytes(text: string): Buffer {
  const [, encoding, digits = ""] = /^(hex|base64):(.*)$/s.exec(text) ?? [];
  if (encoding === undefined) return Buffer.from(text);
  const isHex = encoding === "hex";
  const isWhole = isHex ? /^([0-9a-f]{2})*$/i : /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2,3}=*)?$/;
  if (!isWhole.test(digits)) throw wrong("--key", text, `${encoding}: and whole bytes`);
  return Buffer.from(digits, isHex ? "hex" : "base64");
}

/** From 1 to `max`; `otherwise` where nothing was given. Throws CONFIG_INVALID. */
export function wholeNumber(flag: string, given: unknown, otherwise: number, max: number): number {
  if (given === undefined) return otherwise;
  const value = /^\d{1,9}$/.test(String(given)) ? Number(given) : 0;
  if (value >= 1 && value <= max) return value;
  throw wrong(flag, String(given), `a whole number from 1 to ${max}`);
}

function wrong(flag: string, given: string, wanted: string): OutriggerError {
  return new OutriggerError("CONFIG_INVALID", `${flag} is "${given}"; it must be ${wanted}`);
}
