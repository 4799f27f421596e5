import { createHash, timingSafeEqual } from "node:crypto";

/** The metadata key in which applications send their token. */
export const TOKEN_METADATA = "outrigger-token";

/** Compares in constant time, whatever the lengths. */
export function isToken(expected: string, given: string | Buffer | undefined): boolean {
  return given !== undefined && timingSafeEqual(digest(expected), digest(given));
}

function digest(text: string | Buffer): Buffer {
  return createHash("sha256").update(text).digest();
}
