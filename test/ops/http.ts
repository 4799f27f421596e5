import { get } from "node:http";
import type { Child } from "../support/sidecar-process.ts";
import { eventually } from "../support/sidecar-process.ts";

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** One request on a connection of its own; status 0 when nobody listens. */
export function ask(address: string, path: string, accept = "*/*"): Promise<Answer> {
  return new Promise((resolve) => {
    const request = get(`http://${address}${path}`, { agent: false, headers: { accept } });
    request.on("error", () => resolve({ status: 0, contentType: "", text: "" }));
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => {
        const contentType = response.headers["content-type"] ?? "";
        resolve({ status: response.statusCode ?? 0, contentType, text });
      });
      response.on("error", () => resolve({ status: 0, contentType: "", text: "" }));
    });
  });
}

/** Waits until the path answers so. */
export async function answered(
  address: string,
  path: string,
  expected: RegExp,
  children: readonly Child[],
): Promise<Answer> {
  let last: Answer = { status: 0, contentType: "", text: "" };
  await eventually(
    `${path} to say ${expected}`,
    async () => {
      last = await ask(address, path);
      return expected.test(`${last.status} ${last.text}`);
    },
    children,
  );
  return last;
}
