import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { WireRequest } from "../network/connection.ts";
import { ERROR, errorName } from "./error-codes.ts";
import { type WireReader, WireWriter } from "./wire.ts";

/** An API with the versions of it that this client speaks. */
export interface Api {
  readonly key: number;
  readonly name: string;
  readonly oldest: number;
  readonly newest: number;
}

const FINALIZED_FEATURES_TAG = 2;

/** What one broker speaks, and the features that its cluster has finalized (KIP-584). */
export class ApiVersions {
  readonly #ranges: ReadonlyMap<number, readonly [oldest: number, newest: number]>;
  /** For instance `transaction.version` to 2; a feature at level 0 is left out. */
  readonly features: ReadonlyMap<string, number>;

  constructor(
    ranges: ReadonlyMap<number, readonly [oldest: number, newest: number]>,
    features: ReadonlyMap<string, number>,
  ) {
    this.#ranges = ranges;
    this.features = features;
  }

  /** The newest version that both sides speak; throws BROKER_INCOMPATIBLE where there is none. */
  pick(api: Api): number {
    const lacking = this.lacking(api);
    if (lacking === null) return Math.min(this.#ranges.get(api.key)?.[1] ?? -1, api.newest);
    const message = `${lacking}; brokers from 4.0 on are supported: upgrade this one`;
    throw new OutriggerError("BROKER_INCOMPATIBLE", message);
  }

  /** Null when both sides share a version, else what is needed and what the broker has. */
  lacking(api: Api): string | null {
    const [oldest, newest] = this.#ranges.get(api.key) ?? [0, -1];
    const picked = Math.min(newest, api.newest);
    if (picked >= oldest && picked >= api.oldest) return null;
    const offered = newest < 0 ? "lacks it" : `offers ${oldest} to ${newest}`;
    const { name } = api;
    return `${name} is needed in version ${api.oldest} to ${api.newest}, the broker ${offered}`;
  }
}

/** ApiVersions v3. Its answer always has the old header (KIP-511). */
export function apiVersionsRequest(clientVersion: string): WireRequest<ApiVersions> {
  return {
    apiKey: 18,
    apiVersion: 3,
    flexibleRequest: true,
    flexibleResponse: false,
    parts: [
      new WireWriter().compactString("outrigger").compactString(clientVersion).emptyTags().finish(),
    ],
    decode: decodeApiVersions,
  };
}

function decodeApiVersions(reader: WireReader): ApiVersions {
  const code = reader.int16();
  if (code !== ERROR.NONE) {
    throw new OutriggerError(
      "BROKER_INCOMPATIBLE",
      `the broker refused ApiVersions v3 with ${errorName(code)}; it is older than Kafka 2.4: upgrade it ` +
        "to 4.0 or later",
    );
  }
  const ranges = new Map<number, readonly [number, number]>();
  reader.compactArray(() => {
    ranges.set(reader.int16(), [reader.int16(), reader.int16()]);
    reader.tags();
  });
  reader.throttleTime();
  const features = new Map<string, number>();
  reader.tags((tag) => {
    if (tag !== FINALIZED_FEATURES_TAG) return;
    reader.compactArray(() => {
      const name = reader.compactString();
      features.set(name, reader.int16());
      reader.int16(); // lowest level
      reader.tags();
    });
  });
  return new ApiVersions(ranges, features);
}
