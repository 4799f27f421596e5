import { readFileSync } from "node:fs";

/** The version in the package's own file, which stands above the sources and above the build. */
export function version(): string {
  for (const above of ["../../package.json", "../../../package.json"]) {
    const found = versionIn(new URL(above, import.meta.url));
    if (found !== null) return found;
  }
  return "unknown";
}

function versionIn(file: URL): string | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof parsed !== "object" || parsed === null || !("version" in parsed)) return null;
    return typeof parsed.version === "string" ? parsed.version : null;
  } catch {
    return null;
  }
}
