import type { Telemetry } from "../ports/telemetry.ts";

/** Tells nobody: for a kernel without surroundings. */
export const silentTelemetry: Telemetry = {
  fetched: () => {},
  planned: () => null,
  answered: () => {},
  answerDropped: () => {},
  recordFailed: () => {},
  taskFailed: () => {},
  storeEmptied: () => {},
  commitStarted: () => null,
  phaseEnded: () => {},
  committed: () => {},
  age: () => {},
  aborted: () => {},
  unresolved: () => {},
  producerError: () => {},
  takeover: () => null,
};
