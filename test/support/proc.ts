import { readFileSync } from "node:fs";

/** What Linux says of a process; NaN elsewhere. */

/** Processor time used so far, in ms. */
export function cpuMs(pid: number): number {
  if (process.platform !== "linux") return Number.NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Resident memory. */
export function rssBytes(pid: number): number {
  if (process.platform !== "linux") return Number.NaN;
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1_024;
}
