/** The repository's own rules as pure functions: source in, faults out. */

/** What each module of `src` may import of the others. `model` and `errors` are for all. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  errors: ["model"],
  topology: ["model", "errors"],
  transactions: ["model", "errors"],
  operators: ["model", "errors"],
  tasks: ["model", "errors", "transactions", "topology", "operators"],
  checks: ["model", "errors", "tasks", "topology"],
  letters: ["model", "errors", "tasks"],
  ports: ["model", "errors"],
  config: ["model", "errors"],
  telemetry: ["model", "errors", "config", "ports"],
  runtime: [
    "model",
    "errors",
    "topology",
    "transactions",
    "tasks",
    "operators",
    "checks",
    "ports",
    "telemetry",
  ],
  replay: ["model", "errors", "letters", "ports"],
  "test-driver": ["model", "errors", "ports"],
  parked: ["model", "errors", "tasks", "letters", "ports", "replay"],
  kafka: ["model", "errors", "config", "ports", "telemetry"],
  stores: ["model", "errors", "config", "ports", "telemetry"],
  server: ["model", "errors", "config", "ports", "telemetry", "gen"],
  cli: [
    "model",
    "errors",
    "checks",
    "letters",
    "config",
    "ports",
    "telemetry",
    "sidecar.ts",
    "checkup.ts",
    "letterbox.ts",
    "test-driver.ts",
    "parked-box.ts",
  ],
  gen: ["gen"],
};

/** No IO, no clock, no randomness, nothing to await: the deciding half of the sidecar. */
export const PURE = [
  "model",
  "errors",
  "topology",
  "transactions",
  "tasks",
  "operators",
  "checks",
  "letters",
];

/** Each third-party package has one owner. */
export const OWNERS: Readonly<Record<string, readonly string[]>> = {
  "@node-rs/crc32": ["kafka"],
  "@bokuweb/zstd-wasm": ["kafka"],
  "lz4-napi": ["kafka"],
  snappy: ["kafka"],
  "rocksdb-native": ["stores"],
  "@grpc/grpc-js": ["server"],
  "@bufbuild/protobuf": ["server", "gen"],
  zod: ["config"],
  yaml: ["config"],
  commander: ["cli"],
  pino: ["telemetry"],
  "@opentelemetry/api": ["telemetry"],
  "@opentelemetry/sdk-node": ["telemetry"],
  "@outrigger/dev-broker": ["cli"],
};

/** The formatter keeps code at 100; what it cannot break, a comment or a sentence, may run over. */
const LINE_MAX = 110;
/** A test's name is a sentence on a line of its own. */
const TITLE = /^\s*(?:test|it|describe)\(/;
const FILE_LINES_MAX = 500;

/** The specifiers that a source imports, dynamic imports included. */
export function importsOf(source: string): string[] {
  const found = source.matchAll(/(?:from|import\()\s*"([^"]+)"|^import "([^"]+)"/gm);
  return [...found].map(([, from, bare]) => from ?? bare ?? "");
}

/** `src/kafka/fetch/x.ts` is of module `kafka`; a file directly in `src` is a module of its own. */
export function moduleOf(path: string): string {
  return path.split("/")[1] ?? "";
}

export function layerFaults(path: string, source: string): string[] {
  const from = moduleOf(path);
  const allowed = ARROWS[from];
  if (allowed === undefined) return [];
  const faults: string[] = [];
  for (const specifier of importsOf(source)) {
    if (!specifier.startsWith(".")) {
      const name = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      const owners = OWNERS[name];
      if (owners !== undefined && !owners.includes(from)) {
        faults.push(`${path} imports ${name}, which is for ${owners.join(" and ")} alone`);
      }
      continue;
    }
    const to = moduleOf(new URL(specifier, `file:///${path}`).pathname.slice(1));
    if (to !== from && !allowed.includes(to)) faults.push(`${path} imports ${to}`);
  }
  return faults;
}

const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/^\s*(?:export )?async |\bawait\b/m, "waits"],
  [/\bDate\b/, "reads the clock"],
  [/\bMath\.random\b/, "is random"],
  [/\bprocess\./, "touches the process"],
  [/\bset(?:Timeout|Interval|Immediate)\b/, "sets a timer"],
  [/"node:/, "uses Node"],
  [/\bperformance\./, "reads the clock"],
];

export function purityFaults(path: string, source: string): string[] {
  if (!PURE.includes(moduleOf(path))) return [];
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
  return IMPURE.filter(([pattern]) => pattern.test(code)).map(([, what]) => `${path} ${what}`);
}

export function sizeFaults(path: string, source: string): string[] {
  const lines = source.split("\n");
  const faults = lines.length > FILE_LINES_MAX ? [`${path} has ${lines.length} lines`] : [];
  for (const [index, line] of lines.entries()) {
    if (line.length > LINE_MAX && !TITLE.test(line))
      faults.push(`${path}:${index + 1} has ${line.length} characters`);
  }
  return faults;
}

const LEFT_OVER = new RegExp(
  ["TO" + "DO", "FIX" + "ME", "not " + "implemented", "\\.on" + "ly\\("].join("|"),
  "i",
);
const MACHINE_PATH = new RegExp(["/work" + "/", "/ro" + "ot/", "/home/[a-z]"].join("|"));

export function leftOverFaults(path: string, source: string): string[] {
  const faults: string[] = [];
  for (const [index, line] of source.split("\n").entries()) {
    if (LEFT_OVER.test(line)) faults.push(`${path}:${index + 1} is left over: ${line.trim()}`);
    if (MACHINE_PATH.test(line)) faults.push(`${path}:${index + 1} names a machine's path`);
  }
  return faults;
}

/** One title, and relative links that lead somewhere. */
export function markdownFaults(
  path: string,
  text: string,
  exists: (path: string) => boolean,
): string[] {
  const prose = text.replaceAll(/```[\s\S]*?```/g, "");
  const titles = prose.split("\n").filter((line) => /^# /.test(line)).length;
  const faults = titles === 1 ? [] : [`${path} has ${titles} titles`];
  for (const [, target = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:|^#/.test(target)) continue;
    const [file = ""] = target.split("#");
    const resolved = decodeURIComponent(new URL(file, `file:///${path}`).pathname.slice(1));
    if (!exists(resolved)) faults.push(`${path} links to ${target}, which is not there`);
  }
  return faults;
}
