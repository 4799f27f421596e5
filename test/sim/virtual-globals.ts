import { setMaxListeners } from "node:events";
import { type Handle, Loop } from "./loop.ts";
import { Random } from "./random.ts";

/**
 * Time and chance as the simulated code sees them. The bundle puts these in the place of the globals
 * of the same names, in every module of `src`: see `bundle.ts`.
 */
export const virtual = {
  loop: new Loop(),
  random: new Random("no world"),
  /** Added to the wall clock: a step of it is a fault. */
  wallShiftMs: 0,
  uuids: 0,
};

const WALL_START_MS = 1_700_000_000_000;

export function sim_setTimeout(callback: () => void, ms = 0): Handle {
  return virtual.loop.after(ms, virtual.loop.current, callback);
}

export function sim_setImmediate(callback: () => void): Handle {
  return virtual.loop.after(0, virtual.loop.current, callback);
}

export function sim_clear(handle: Handle | null | undefined): void {
  handle?.cancel();
}

export function sim_now(): number {
  return virtual.loop.nowMs;
}

export function sim_wall(): number {
  return WALL_START_MS + virtual.wallShiftMs + Math.floor(virtual.loop.nowMs);
}

export function sim_random(): number {
  return virtual.random.next();
}

/** Not `AbortSignal.timeout`: that runs in real time. */
export function sim_abortTimeout(ms: number): AbortSignal {
  const controller = new AbortController();
  sim_setTimeout(() => controller.abort(new Error(`no result within ${ms} ms`)), ms);
  return controller.signal;
}

/** Not `AbortSignal.any`: what hangs on that may be collected, and when is not for us to say. */
export function sim_abortAny(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) {
    setMaxListeners(0, signal);
    if (signal.aborted) controller.abort(signal.reason);
    signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}
