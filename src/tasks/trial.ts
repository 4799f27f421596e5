/**
 * Which records of a task may be the ones that their worker does not survive, or whose answer cannot
 * be taken: given again in smaller batches until one stands alone.
 *
 *   (none) ──died with n rows, or an answer without a culprit──▶ on trial: halves, then one by one
 *   on trial ──every row passed──▶ (none)
 *   on trial ──died alone, for the n-th time──▶ convicted: the policy decides
 *
 * What is on trial has its task's only batch in flight, without rows that are not, so that a death
 * speaks of nothing else. A row
 * that could be convicted by its next death is sent to a worker that holds nothing else at all: no
 * record is convicted for another one's sake.
 */
export interface Trial {
  /** Index of the source topic that the rows came from. */
  readonly source: number;
  /** Offsets of the first and the last row; both are on trial. */
  readonly from: number;
  readonly until: number;
  /** Deaths that every row from `from` to `until` was present at. */
  readonly deaths: number;
  /** Rows that the next batch may hold. */
  readonly rowsMax: number;
}

/** The input rows of a batch. */
export interface TriedRows {
  readonly source: number;
  readonly from: number;
  readonly until: number;
  readonly count: number;
}

/** The worker died, or was given up, while it worked on these rows. */
export function afterDeath(trial: Trial | null, rows: TriedRows): Trial {
  const { source, from, until, count } = rows;
  const deaths = isOnTrial(trial, rows) ? trial.deaths + 1 : 1;
  return { source, from, until, deaths, rowsMax: deaths === 1 ? half(count) : 1 };
}

/** An answer as a whole was refused, or the batch came back: some row of it is the reason. */
export function afterRefusal(trial: Trial | null, rows: TriedRows): Trial {
  const { source, from, until, count } = rows;
  const deaths = isOnTrial(trial, rows) ? trial.deaths : 0;
  return { source, from, until, deaths, rowsMax: deaths > 1 ? 1 : half(count) };
}

/** These rows are final. */
export function afterPassing(trial: Trial | null, rows: TriedRows): Trial | null {
  if (trial === null || trial.source !== rows.source) return trial;
  if (rows.until >= trial.until) return null;
  return rows.until < trial.from ? trial : { ...trial, from: rows.until + 1 };
}

/** Whether one more death would convict a row: then it must be alone with its worker. */
export function mustBeAlone(trial: Trial | null, deathsMax: number): boolean {
  return trial !== null && trial.rowsMax === 1 && trial.deaths >= deathsMax - 1;
}

/** What a sidecar that starts anew makes of a trial that its predecessor wrote down. */
export function resumed(trial: Omit<Trial, "rowsMax">, batchRecordsMax: number): Trial {
  return { ...trial, rowsMax: trial.deaths > 1 ? 1 : half(batchRecordsMax) };
}

function isOnTrial(trial: Trial | null, { source, from, until }: TriedRows): trial is Trial {
  return trial !== null && trial.source === source && trial.from <= from && until <= trial.until;
}

function half(count: number): number {
  return Math.max(1, Math.ceil(count / 2));
}
