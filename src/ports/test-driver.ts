/** What a test does with an application that it drives. Calls reject with an OutriggerError. */
export interface TestDriverCalls {
  createTopic(name: string, partitions: number): void;
  /** Resolves when the application is connected and its tasks run. */
  awaitApplication(timeoutMs: number): Promise<DriverSettled>;
  /** Appends, and resolves when nothing is left to do without time passing. */
  pipe(topic: string, records: readonly PipedRecord[], timeoutMs: number): Promise<DriverSettled>;
  /** Committed records that were not read yet. */
  read(topic: string): ReadRecords;
  /** Moves the clock, as `pipe` resolves. */
  advance(ms: number, timeoutMs: number): Promise<DriverSettled>;
  /** Moves the stream time of every task, in ms since the epoch; never back. */
  advanceStreamTime(timestamp: number, timeoutMs: number): Promise<DriverSettled>;
  readStore(store: string, wanted: WantedEntries): Promise<readonly DriverEntry[]>;
  /** The next commit that has records goes wrong. */
  inject(fault: DriverFault): void;
  describe(): DriverDescription;
  /** Ends the process, soon. */
  close(): void;
}

/** What `InjectFault` offers, see testdriver.proto. */
export type DriverFault = "commitFailed" | "redeliver" | "unknownOutcome";

export interface DriverHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

export interface PipedRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly DriverHeader[];
  /** null takes the wall clock. */
  readonly timestamp: number | null;
  /** null has the key decide. */
  readonly partition: number | null;
}

export interface DriverRecord extends PipedRecord {
  readonly timestamp: number;
  readonly partition: number;
  readonly offset: number;
}

export interface ReadRecords {
  readonly records: readonly DriverRecord[];
  /** Whether there are more to be read. */
  readonly more: boolean;
}

/** How the application stands when nothing is left to do without time passing. */
export interface DriverSettled {
  readonly committed: boolean;
  /** Why tasks have stopped. */
  readonly stopped: readonly string[];
  /** Why a record waits for the clock; empty when none does. */
  readonly waiting: string;
}

/** Either of one key, of a window where one is given, or of a range. */
export interface WantedEntries {
  readonly key: Buffer | null;
  readonly windowStart: number | null;
  readonly from: Buffer | null;
  readonly to: Buffer | null;
}

export interface DriverEntry {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly windowStart: number | null;
  readonly partition: number;
  /** Of a timestamped key-value store, in ms. */
  readonly timestamp?: number;
}

export interface DriverDescription {
  readonly applicationId: string;
  readonly wallClockMs: number;
  readonly topics: readonly { readonly name: string; readonly partitions: number }[];
  readonly stores: readonly { readonly name: string; readonly windowed: boolean }[];
  readonly faultsMet: number;
}
