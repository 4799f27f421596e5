import { readFileSync } from "node:fs";

/** One row of `flights-20k.json` of the npm package vega-datasets: real departures of 2001. */
export interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

export const DAY_MS = 86_400_000;

/** The flights, in the order of their departure. */
export function loadFlights(): Flight[] {
  const library = import.meta.resolve("vega-datasets");
  const file = new URL("../data/flights-20k.json", library);
  const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(parsed)) throw new Error("flights-20k.json holds no list");
  return parsed.map(asFlight);
}

function asFlight(row: unknown): Flight {
  if (typeof row === "object" && row !== null && "date" in row && "origin" in row) {
    const { date, origin } = row;
    const { delay, distance, destination } = row as Partial<Flight>;
    if (typeof date === "string" && typeof origin === "string" && typeof delay === "number") {
      return { date, origin, delay, distance: distance ?? 0, destination: destination ?? "" };
    }
  }
  throw new Error(`not a flight: ${JSON.stringify(row)}`);
}

/** The departure in ms since the epoch; the file's local time is read as UTC. */
export function departureMs({ date }: Flight): number {
  const at = Date.parse(`${date.replaceAll("/", "-").replace(" ", "T")}:00Z`);
  if (Number.isNaN(at)) throw new Error(`not a date: ${date}`);
  return at;
}

/** What an airport-day must come to, computed from the file alone. */
export interface Expected {
  readonly origin: string;
  readonly dayMs: number;
  count: number;
  delaySum: number;
}

/** By `<origin> <day>`, as the output's keys are. */
export function expectedByDay(flights: readonly Flight[]): Map<string, Expected> {
  const days = new Map<string, Expected>();
  for (const flight of flights) {
    const dayMs = Math.floor(departureMs(flight) / DAY_MS) * DAY_MS;
    const key = dayKey(flight.origin, dayMs);
    const day = days.get(key) ?? { origin: flight.origin, dayMs, count: 0, delaySum: 0 };
    day.count += 1;
    day.delaySum += flight.delay;
    days.set(key, day);
  }
  return days;
}

export function dayKey(origin: string, dayMs: number): string {
  return `${origin} ${new Date(dayMs).toISOString().slice(0, 10)}`;
}
