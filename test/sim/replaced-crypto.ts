import { virtual } from "./virtual-globals.ts";

/** In the place of `node:crypto` in simulated code. */
export function randomUUID(): string {
  virtual.uuids += 1;
  return `00000000-0000-4000-8000-${String(virtual.uuids).padStart(12, "0")}`;
}
