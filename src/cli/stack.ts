import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

/** The stack with places in the sources instead of those in the one script that they were built into. */
export function inSources(stack: string): string {
  const script = fileURLToPath(import.meta.url);
  try {
    const map = new SourceMap(JSON.parse(readFileSync(`${script}.map`, "utf8")));
    return stack.replaceAll(placesIn(script), (place: string, line: string, column: string) => {
      const found = map.findEntry(Number(line) - 1, Number(column) - 1);
      if (!("originalSource" in found)) return place;
      const source = found.originalSource.replace(/^(?:\.\.\/)+/, "");
      return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`;
    });
  } catch {
    // The modules themselves run, or the map is gone: the stack is right as it is.
    return stack;
  }
}

function placesIn(script: string): RegExp {
  return new RegExp(`${script.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")}:(\\d+):(\\d+)`, "g");
}
