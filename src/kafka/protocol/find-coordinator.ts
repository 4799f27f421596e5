import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import type { BrokerNode } from "./metadata.ts";
import { type WireReader, WireWriter } from "./wire.ts";

export const FIND_COORDINATOR: Api = { key: 10, name: "FindCoordinator", oldest: 4, newest: 4 };

export type CoordinatorKind = "group" | "transaction";

export interface CoordinatorAnswer extends BrokerNode {
  readonly key: string;
  readonly error: number;
  readonly message: string | null;
}

export function findCoordinatorRequest(
  version: number,
  kind: CoordinatorKind,
  key: string,
): WireRequest<readonly CoordinatorAnswer[]> {
  const writer = new WireWriter().int8(kind === "group" ? 0 : 1);
  writer.compactArray([key], (each) => writer.compactString(each)).emptyTags();
  return {
    apiKey: FIND_COORDINATOR.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.finish()],
    decode: decodeCoordinators,
  };
}

function decodeCoordinators(reader: WireReader): readonly CoordinatorAnswer[] {
  reader.throttleTime();
  const coordinators = reader.compactArray(() => {
    const answer = {
      key: reader.compactString(),
      id: reader.int32(),
      host: reader.compactString(),
      port: reader.int32(),
      error: reader.int16(),
      message: reader.compactNullableString(),
    };
    reader.tags();
    return answer;
  });
  reader.tags();
  return coordinators;
}
