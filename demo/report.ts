import { stdout } from "node:process";
import { styleText } from "node:util";
import type { Day } from "./verify.ts";

const WIDTH = 30;

/** One line that is drawn over and over on a terminal, and once in a while elsewhere. */
export class Progress {
  readonly #total: number;
  #drawnAt = 0;

  constructor(total: number) {
    this.#total = total;
  }

  draw(sent: number): void {
    const done = sent === this.#total;
    const pause = stdout.isTTY ? 100 : 2_000;
    if (!done && performance.now() - this.#drawnAt < pause) return;
    this.#drawnAt = performance.now();
    const filled = Math.round((sent / this.#total) * WIDTH);
    const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
    const line = `  feeding ${bar} ${String(sent).padStart(6)} of ${this.#total} flights`;
    stdout.write(stdout.isTTY ? `\r${line}${done ? "\n" : ""}` : `${line}\n`);
  }

  /** A line beside the bar. */
  say(text: string): void {
    stdout.write(stdout.isTTY ? `\r\u001b[K${text}\n` : `${text}\n`);
  }
}

/** The busiest airport-days, as a person reads them. */
export function table(days: readonly Day[]): string {
  const head = ["airport", "day", "departures", "average delay"];
  const rows = days.map(({ key, count, averageDelay }) => {
    const [airport = "", day = ""] = key.split(" ");
    return [airport, day, String(count), `${averageDelay.toFixed(1)} min`];
  });
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `  ${cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < 2 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("   ")}`;
  return [styleText("bold", line(head)), ...rows.map(line)].join("\n");
}
