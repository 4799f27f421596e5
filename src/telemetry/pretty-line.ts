const COLORS: Readonly<Record<string, string>> = {
  debug: "\u001b[2m",
  info: "\u001b[32m",
  warn: "\u001b[33m",
  error: "\u001b[31m",
};
const DIM = "\u001b[2m";
const RESET = "\u001b[0m";

/** `12:30:01.123 INFO  restored  task=0_1 epoch=3`, from a JSON line; with its newline. */
export function prettyLine(json: string, color: boolean): string {
  const parsed: unknown = JSON.parse(json);
  if (typeof parsed !== "object" || parsed === null) return json;
  const { time, level, msg, ...fields } = Object.fromEntries(Object.entries(parsed));
  const name = String(level);
  const clock = String(time).slice("2026-01-01T".length, "2026-01-01T00:00:00.000".length);
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${fieldText(value)}`);
  const painted = (text: string, paint: string) => (color ? `${paint}${text}${RESET}` : text);
  const parts = [
    painted(clock, DIM),
    painted(name.toUpperCase().padEnd(5), COLORS[name] ?? ""),
    String(msg),
  ];
  if (rest.length > 0) parts.push("", painted(rest.join(" "), DIM));
  return `${parts.join(" ")}\n`;
}

/** Quotes what would not read as one word. */
function fieldText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}
