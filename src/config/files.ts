import { isMap, isScalar, LineCounter, parseDocument } from "yaml";

/** A value as it was written, and where. */
export interface Written {
  readonly key: string;
  readonly value: unknown;
  /** For messages: `outrigger.yaml:3:1`, `flag --log.level`, `environment OUTRIGGER_LOG_LEVEL`. */
  readonly from: string;
  /** Never to be shown, whatever the key is called. */
  readonly isSecret?: boolean;
}

export interface ParsedFile {
  readonly written: readonly Written[];
  /** What the file's own syntax has wrong. */
  readonly faults: readonly string[];
}

/** Reads a configuration file's text: `.properties` by its name, YAML otherwise. */
export function parseConfigFile(path: string, text: string): ParsedFile {
  return path.endsWith(".properties") ? parseProperties(path, text) : parseYaml(path, text);
}

function parseYaml(path: string, text: string): ParsedFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const faults = document.errors.map(({ pos, message }) => `${at(pos[0])}: ${message}`);
  if (faults.length > 0 || document.contents === null) return { written: [], faults };
  if (!isMap(document.contents)) {
    return { written: [], faults: [`${path}: expected \`key: value\` lines`] };
  }
  const written: Written[] = [];
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const from = at(isScalar(key) ? (key.range?.[0] ?? 0) : 0);
    if (value === null || isScalar(value)) {
      written.push({ key: name, value: isScalar(value) ? value.value : null, from });
    } else {
      faults.push(`${from}: ${name} holds more than one value: write the dotted keys in full`);
    }
  }
  return { written, faults };
}

/** Java's format, so that a Kafka Streams application's file can be read. */
function parseProperties(path: string, text: string): ParsedFile {
  const written: Written[] = [];
  const faults: string[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  for (let index = 0; index < lines.length; index++) {
    const first = index;
    let line = (lines[index] ?? "").trimStart();
    if (line === "" || line.startsWith("#") || line.startsWith("!")) continue;
    while (/(?<!\\)(\\\\)*\\$/.test(line) && index + 1 < lines.length) {
      line = line.slice(0, -1) + (lines[++index] ?? "").trimStart();
    }
    const match = /^((?:\\.|[^\\\s=:])+)(?:\s*[=:]\s*|\s+|$)(.*)$/s.exec(line);
    const from = `${path}:${first + 1}`;
    if (match === null) {
      faults.push(`${from}: expected \`key=value\``);
      continue;
    }
    written.push({ key: unescaped(match[1] ?? ""), value: unescaped(match[2] ?? ""), from });
  }
  return { written, faults };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f" };

function unescaped(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex?: string, other = "") =>
    hex === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
