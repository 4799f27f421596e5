/**
 * Aborts with the first of several signals; `release` when the wait is over. Not AbortSignal.any: that
 * holds its sources weakly, and a source made by AbortSignal.timeout, which nobody else has, may be
 * collected before its time (Node 20): what waits for it then waits for ever. A listener keeps it.
 */
export function firstSignal(sources: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const first = new AbortController();
  const ends = sources.map((source) => {
    const abort = (): void => first.abort(source.reason);
    if (source.aborted) abort();
    source.addEventListener("abort", abort, { once: true });
    return () => source.removeEventListener("abort", abort);
  });
  return {
    signal: first.signal,
    release: () => {
      for (const end of ends) end();
    },
  };
}
