import { readdirSync, readFileSync } from "node:fs";

/** What Linux says of processes and of all that they started. */

const TICK_MS = 10;
const KIB = 1_024;

interface Stat {
  readonly parent: number;
  readonly cpuMs: number;
}

export class ProcessTree {
  readonly #roots: readonly number[];
  /** The last of each; a process that has ended keeps what it had. */
  readonly #cpuMs = new Map<number, number>();
  readonly #peakRssBytesOf = new Map<number, number>();
  #peakRssBytes = 0;

  constructor(roots: readonly number[]) {
    this.#roots = roots;
  }

  get cpuMs(): number {
    return [...this.#cpuMs.values()].reduce((all, each) => all + each, 0);
  }

  /** The most that all of them had at once when they were looked at. */
  get peakRssBytes(): number {
    return this.#peakRssBytes;
  }

  /** The same of one of them. */
  peakRssBytesOf(pid: number): number {
    return this.#peakRssBytesOf.get(pid) ?? 0;
  }

  sample(): void {
    const stats = new Map<number, Stat>();
    for (const name of readdirSync("/proc")) {
      const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
      if (stat !== null) stats.set(Number(name), stat);
    }
    let rssBytes = 0;
    const left = [...this.#roots];
    for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
      const stat = stats.get(pid);
      if (stat === undefined) continue;
      this.#cpuMs.set(pid, stat.cpuMs);
      const own = rssOf(pid);
      rssBytes += own;
      this.#peakRssBytesOf.set(pid, Math.max(own, this.peakRssBytesOf(pid)));
      for (const [child, { parent }] of stats) if (parent === pid) left.push(child);
    }
    this.#peakRssBytes = Math.max(this.#peakRssBytes, rssBytes);
  }
}

/** null for one that has just ended. */
function statOf(pid: number): Stat | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name of a command may hold spaces and parentheses: the fields begin behind the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  return { parent: Number(fields[1]), cpuMs };
}

function rssOf(pid: number): number {
  const [, kib = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? "") ?? [];
  return Number(kib) * KIB;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
