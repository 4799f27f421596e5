import {
  BUCKETS,
  type CounterKey,
  definitionOf,
  type HistogramKey,
  METRICS,
  type MetricDefinition,
  type MetricKey,
} from "./metric-table.ts";

/** One value of a metric, with the values of its attributes in their order. */
export interface Sample {
  readonly values: readonly string[];
  readonly value: number | HistogramValue;
}

export interface HistogramValue {
  readonly sum: number;
  readonly count: number;
  /** By bucket, each for itself; one more than there are bounds. */
  readonly buckets: readonly number[];
}

export interface Family {
  readonly key: MetricKey;
  readonly definition: MetricDefinition;
  readonly samples: readonly Sample[];
}

/** What is observed when somebody asks. */
export type Observe = (key: MetricKey, value: number, ...values: readonly string[]) => void;

interface HistogramCell {
  readonly values: readonly string[];
  readonly buckets: number[];
  sum: number;
  count: number;
}

type Cells<Cell> = Map<MetricKey, Map<string, Cell>>;

/** More of one metric are not kept: attributes are few by design, and a fault must not eat memory. */
const CELLS_MAX = 2_000;

/**
 * The numbers behind the metrics: plain cells that grow by batch. It needs no SDK, so that a sidecar
 * that nobody scrapes pays for none (docs/adr/0009-metrics-without-an-sdk.md).
 */
export class Registry {
  readonly #counters: Cells<{ readonly values: readonly string[]; value: number }> = new Map();
  readonly #histograms: Cells<HistogramCell> = new Map();
  #observers: ((observe: Observe) => void)[] = [];
  /** Told of every value of a histogram; set while an SDK exports. */
  onRecord: ((key: HistogramKey, seconds: number, values: readonly string[]) => void) | null = null;

  constructor() {
    for (const key of keys) {
      const { kind, attributes, kafkaStreams, initial } = definitionOf(key);
      if (kind !== "counter" || kafkaStreams !== undefined) continue;
      const cells = cellsOf(this.#counters, key);
      for (const values of initial ?? (attributes.length === 0 ? [[]] : [])) {
        cells.set(values.join("\0"), { values, value: 0 });
      }
    }
  }

  add(key: CounterKey, amount: number, ...values: readonly string[]): void {
    const cells = cellsOf(this.#counters, key);
    const name = values.join("\0");
    const cell = cells.get(name);
    if (cell !== undefined) cell.value += amount;
    else if (cells.size < CELLS_MAX) cells.set(name, { values, value: amount });
  }

  record(key: HistogramKey, ms: number, ...values: readonly string[]): void {
    const seconds = ms / 1_000;
    const cells = cellsOf(this.#histograms, key);
    const name = values.join("\0");
    let cell = cells.get(name);
    if (cell === undefined) {
      if (cells.size >= CELLS_MAX) return;
      cell = { values, buckets: new Array(BUCKETS.length + 1).fill(0), sum: 0, count: 0 };
      cells.set(name, cell);
    }
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] ?? 0)) bucket++;
    cell.buckets[bucket] = (cell.buckets[bucket] ?? 0) + 1;
    cell.sum += seconds;
    cell.count += 1;
    this.onRecord?.(key, seconds, values);
  }

  /** The sum over all attributes. */
  total(key: CounterKey): number {
    let sum = 0;
    for (const { value } of this.#counters.get(key)?.values() ?? []) sum += value;
    return sum;
  }

  counted(
    key: CounterKey,
  ): readonly { readonly values: readonly string[]; readonly value: number }[] {
    return [...(this.#counters.get(key)?.values() ?? [])];
  }

  histograms(key: HistogramKey): readonly HistogramCell[] {
    return [...(this.#histograms.get(key)?.values() ?? [])];
  }

  /** Asked whenever somebody wants to see the metrics. */
  observe(observer: (observe: Observe) => void): void {
    this.#observers.push(observer);
  }

  /** Everything there is, in the order of the table. */
  collect(): Family[] {
    const observed = new Map<MetricKey, Sample[]>();
    for (const observer of this.#observers) {
      observer((key, value, ...values) => {
        const samples = observed.get(key) ?? [];
        samples.push({ values, value });
        observed.set(key, samples);
      });
    }
    return keys.flatMap((key) => {
      const definition = definitionOf(key);
      const samples = observed.get(key) ?? [...this.#samplesOf(key, definition)];
      return samples.length === 0 ? [] : [{ key, definition, samples }];
    });
  }

  *#samplesOf(key: MetricKey, definition: MetricDefinition): Iterable<Sample> {
    if (definition.kind === "histogram") {
      for (const { values, ...value } of this.#histograms.get(key)?.values() ?? []) {
        yield { values, value };
      }
      return;
    }
    yield* this.#counters.get(key)?.values() ?? [];
  }
}

const keys = Object.keys(METRICS).filter((key): key is MetricKey => Object.hasOwn(METRICS, key));

function cellsOf<Cell>(all: Cells<Cell>, key: MetricKey): Map<string, Cell> {
  let cells = all.get(key);
  if (cells === undefined) {
    cells = new Map();
    all.set(key, cells);
  }
  return cells;
}
