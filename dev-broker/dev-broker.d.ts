/** An embedded broker, in memory, in a process of its own. For development; never the proof. */
export interface DevBroker {
  /** `127.0.0.1:<port>`. */
  readonly bootstrapServers: string;
  readonly pid: number;
  /** Ends it; everything it held is gone. */
  stop(): Promise<void>;
  /** The same with SIGKILL. */
  kill(): Promise<void>;
}

export interface DevBrokerOptions {
  /** Port on 127.0.0.1; 0, the default, takes a free one. */
  readonly port?: number;
}

/**
 * Starts franz-go's kfake as WebAssembly: one broker, 4 partitions by default, transactions v2 and
 * KIP-848 groups. Ends with the process that started it. Rejects with the reason when it cannot.
 */
export function startDevBroker(options?: DevBrokerOptions): Promise<DevBroker>;
