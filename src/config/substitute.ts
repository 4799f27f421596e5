import type { Written } from "./files.ts";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws where it cannot be read. */
  readonly readFile: (path: string) => string;
}

export interface Substituted {
  readonly written: Written;
  readonly faults: readonly string[];
}

/** `${NAME}`, `${NAME:-default}`, `${file:/path}`; `$${` stands for `${`. */
const REFERENCE =
  /\$\$\{|\$\{(?:file:(?<path>[^}]*)|(?<name>[A-Za-z_]\w*)(?::-(?<fallback>[^}]*))?)\}/g;

/** Puts in what a value refers to. What comes from a file is a secret from then on. */
export function substitute(written: Written, surroundings: Surroundings): Substituted {
  const { key, value, from } = written;
  if (typeof value !== "string" || !value.includes("${")) return { written, faults: [] };
  const faults: string[] = [];
  let isSecret = written.isSecret === true;
  const replaced = value.replaceAll(REFERENCE, (whole, ...groups: unknown[]) => {
    if (whole === "$${") return "${";
    const { path, name, fallback } = namedGroups(groups.at(-1));
    if (path !== undefined) {
      isSecret = true;
      return fileText(path, `${key} (${from})`, surroundings, faults);
    }
    const found = surroundings.env[name ?? ""] ?? fallback;
    if (found !== undefined) return found;
    faults.push(
      `${key} (${from}) refers to \${${name}}, which is not set: set it, or give a default as ` +
        `\${${name}:-…}`,
    );
    return "";
  });
  // Anything else of this form was meant to be one of these.
  const left = /(?<!\$)\$\{[^}]*\}?/.exec(value.replaceAll(REFERENCE, ""));
  if (left !== null) {
    faults.push(
      `${key} (${from}) holds a reference that is none: write \${NAME}, \${NAME:-default} or ` +
        `\${file:/path}, and $\${ for the characters themselves`,
    );
  }
  return { written: { ...written, value: replaced, isSecret }, faults };
}

function namedGroups(groups: unknown): Partial<Record<"path" | "name" | "fallback", string>> {
  // With named groups in the pattern, the last argument of a replacer is the object of them.
  return typeof groups === "object" && groups !== null ? groups : {};
}

/** A secret's text, without the line's end that editors add. */
export function fileText(
  path: string,
  what: string,
  { readFile }: Surroundings,
  faults: string[],
): string {
  try {
    return readFile(path).replace(/\r?\n$/, "");
  } catch (error: unknown) {
    const reason = error instanceof Error ? error.message : String(error);
    faults.push(`${what} refers to the file ${path}, which cannot be read: ${reason}`);
    return "";
  }
}
