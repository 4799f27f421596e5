import { join } from "node:path";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { Child, eventually } from "../support/sidecar-process.ts";

/** A span as it came over OTLP. */
export interface Span {
  readonly kind: "span";
  readonly service: string;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
  readonly schema: string;
  readonly name: string;
  /** OTLP's numbers: 1 internal, 3 client, 5 consumer. */
  readonly spanKind: number;
  readonly trace: string;
  readonly span: string;
  readonly parent: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  readonly links: readonly (readonly [trace: string, span: string])[];
  /** 2 is an error. */
  readonly status: number;
  readonly state: string;
  readonly ms: number;
}

export interface Metric {
  readonly kind: "metric";
  readonly service: string;
  readonly name: string;
  readonly unit: string;
  readonly data: "sum" | "gauge" | "histogram";
  readonly monotonic: boolean;
  readonly points: readonly (Readonly<Record<string, unknown>> & {
    readonly attributes: Readonly<Record<string, unknown>>;
  })[];
}

/** An OTLP endpoint by the official protos, in Python: what it received, in order. */
export class OtlpReceiver {
  readonly process: Child;
  readonly endpoint: string;
  /** The same over gRPC. */
  readonly grpcEndpoint: string;
  #read = "";
  readonly #spans: Span[] = [];
  readonly #metrics: Metric[] = [];

  private constructor(child: Child, port: string, grpcPort: string) {
    this.process = child;
    this.endpoint = `http://127.0.0.1:${port}`;
    this.grpcEndpoint = `http://127.0.0.1:${grpcPort}`;
  }

  static async start(python: string): Promise<OtlpReceiver> {
    const child = new Child(
      "receiver",
      [join(REPOSITORY_ROOT, "test/ops/otlp_receiver.py")],
      {},
      python,
    );
    await eventually("the receiver to listen", () => /^\d+ \d+\n/.test(child.output), [child]);
    const [port = "", grpcPort = ""] = child.output.split(/\s/);
    return new OtlpReceiver(child, port, grpcPort);
  }

  get spans(): readonly Span[] {
    this.#take();
    return this.#spans;
  }

  get metrics(): readonly Metric[] {
    this.#take();
    return this.#metrics;
  }

  #take(): void {
    const fresh = this.#read + this.process.takeOutput();
    const lines = fresh.split("\n");
    this.#read = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("{")) continue;
      const parsed: Span | Metric = JSON.parse(line);
      if (parsed.kind === "span") this.#spans.push(parsed);
      else this.#metrics.push(parsed);
    }
  }
}
