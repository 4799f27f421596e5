import type { Output, Sent } from "./expected.ts";

/** Two sequences, both read to their end; what is wrong is named after the invariant that it breaks. */

/** What an output that differs in itself breaks: a fold, a list, a sum that must stay 0, … */
const ALTERED: Readonly<Record<Output, string>> = {
  echo: "I4",
  sum: "I4",
  count: "I4",
  list: "I5",
  bank: "I14",
  windows: "I4",
};

/** The first difference, in words; null where there is none. */
export function sequenceFault(
  where: string,
  output: Output,
  expected: readonly Sent[],
  found: readonly Sent[],
): string | null {
  const wanted = expected.map(identity);
  const seen = found.map(identity);
  const at = wanted.findIndex((each, i) => seen[i] !== each);
  const index = at >= 0 ? at : wanted.length;
  if (index >= wanted.length) {
    if (seen.length <= wanted.length) return timeFault(where, output, expected, found);
    const extra = seen[index] ?? "";
    const many = seen.length - index;
    if (wanted.includes(extra)) return `I2 ${where}: record ${index} is doubled: ${extra}`;
    return `I2 ${where}: ${many} records behind the last expected, the first ${extra}`;
  }
  const want = wanted[index] ?? "";
  const have = seen[index];
  if (have === undefined) {
    const missing = wanted.length - index;
    return `I1 ${where}: the tail is lost, ${missing} of ${wanted.length} records from ${want}`;
  }
  const place = wanted.indexOf(have);
  if (place >= 0 && place < index) return `I2 ${where}: record ${index} is doubled: ${have}`;
  if (place < 0 && seen.includes(want, index)) {
    return `I2 ${where}: record ${index} comes of no input: ${have}`;
  }
  if (seen.includes(want, index)) {
    return `I3 ${where}: record ${index} is out of order: ${have} before ${want}`;
  }
  if (place > index) return `I1 ${where}: record ${index} is lost: ${want}, next is ${have}`;
  return `${ALTERED[output]} ${where}: record ${index} is altered: ${have}, not ${want}`;
}

/** An echo has its input's time; what else makes of time is the operator's affair. */
function timeFault(
  where: string,
  output: Output,
  expected: readonly Sent[],
  found: readonly Sent[],
): string | null {
  if (output !== "echo") return null;
  const index = expected.findIndex((sent, i) => sent.timestamp !== found[i]?.timestamp);
  if (index < 0) return null;
  const [want, have] = [expected[index]?.timestamp, found[index]?.timestamp];
  return `I4 ${where}: record ${index} is altered: its time is ${have}, not ${want}`;
}

function identity({ key, value }: Sent): string {
  return `${key} = ${value}`;
}
