import type { Change, Entry, Outcome, Output } from "./topology.ts";

/** What is different between two runs of one case. */
export interface Comparison {
  /** What nobody has explained, in words. */
  readonly differences: readonly string[];
  /** How often each documented difference was met, by its number in docs/differences.md. */
  readonly explained: ReadonlyMap<string, number>;
}

/** Ours and Kafka Streams': outputs record by record, then what the stores hold and what is logged. */
export function compareWithStreams(ours: Outcome, theirs: Outcome): Comparison {
  const found = new Found();
  compareOutputs(ours.outputs, theirs.outputs, found);
  for (const [topic, changes] of Object.entries(theirs.changelogs)) {
    compareChangelogs(topic, ours.changelogs[topic] ?? [], changes, found);
  }
  for (const [store, entries] of Object.entries(theirs.stores)) {
    const changelog = theirs.changelogs[`test-${store}-changelog`] ?? [];
    compareStores(store, ours.stores[store] ?? [], entries, changelog, found);
  }
  const names = (of: object): string => Object.keys(of).sort().join();
  found.expect("stores", names(ours.stores), names(theirs.stores));
  return found;
}

/** Ours with other batches: everything but what a changelog leaves out between two commits. */
export function compareWithOurs(one: Outcome, other: Outcome): Comparison {
  const found = new Found();
  compareOutputs(one.outputs, other.outputs, found);
  for (const [topic, changes] of Object.entries(one.changelogs)) {
    // A key that one commit brings and deletes is never written.
    const said = (of: readonly Change[]): string => {
      const left = [...lastByKey(of)].filter(([, { value }]) => value !== null);
      return JSON.stringify(left.map(([key, { value }]) => [key, value]).sort());
    };
    found.expect(topic, said(changes), said(other.changelogs[topic] ?? []));
  }
  found.expect("stores", JSON.stringify(one.stores), JSON.stringify(other.stores));
  return found;
}

class Found implements Comparison {
  readonly differences: string[] = [];
  readonly explained = new Map<string, number>();

  expect(what: string, ours: string, theirs: string): void {
    if (ours === theirs) return;
    this.differences.push(`${what}: ours ${ours}, theirs ${theirs}`);
  }

  explain(difference: string): void {
    this.explained.set(difference, (this.explained.get(difference) ?? 0) + 1);
  }
}

function compareOutputs(ours: readonly Output[], theirs: readonly Output[], found: Found): void {
  found.expect("the number of outputs", `${ours.length}`, `${theirs.length}`);
  for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
    const [our, their] = [ours[index], theirs[index]];
    if (our === undefined || their === undefined) {
      found.expect(`output ${index}`, said(our), said(their));
      continue;
    }
    const isExplained = our.at !== their.at && our.at === their.enteredAt && their.at > our.at;
    if (isExplained) found.explain("D-1");
    const at = isExplained ? their.at : our.at;
    found.expect(`output ${index}`, said({ ...our, at }), said(their));
  }
}

/** The last change of each key: what lies between is up to the commits. */
function compareChangelogs(
  topic: string,
  ours: readonly Change[],
  theirs: readonly Change[],
  found: Found,
): void {
  const [our, their] = [lastByKey(ours), lastByKey(theirs)];
  for (const key of new Set([...our.keys(), ...their.keys()])) {
    const at = `${topic}, key ${text(key)}`;
    const [left, right] = [our.get(key), their.get(key)];
    found.expect(at, text(left?.value ?? null), text(right?.value ?? null));
  }
}

function lastByKey(changes: readonly Change[]): Map<string | null, Change> {
  return new Map(changes.map((change) => [change.key, change]));
}

/**
 * What Kafka Streams' store does not show any more must have been in it: it hides windows as soon as they
 * have expired, and nobody says when they are deleted.
 */
function compareStores(
  store: string,
  ours: readonly Entry[],
  theirs: readonly Entry[],
  changelog: readonly Change[],
  found: Found,
): void {
  const known = new Set(theirs.map(entryText));
  const own = new Set(ours.map(entryText));
  const logged = lastByKey(changelog);
  for (const entry of ours) {
    if (known.has(entryText(entry))) continue;
    if (entry.start !== undefined && isLogged(entry, logged)) continue;
    found.differences.push(`store ${store}: only ours has ${entryText(entry)}`);
  }
  for (const entry of theirs) {
    if (own.has(entryText(entry))) continue;
    found.differences.push(`store ${store}: only theirs has ${entryText(entry)}`);
  }
}

/** As a window, `key|start|0`, or as a session, `key|end|start`. */
function isLogged({ key, value, start = 0 }: Entry, logged: ReadonlyMap<string | null, Change>) {
  const time = Buffer.alloc(8);
  time.writeBigInt64BE(BigInt(start));
  const first = Buffer.from(key, "base64");
  const whole = Buffer.concat([first, time, Buffer.alloc(4)]).toString("base64");
  if (logged.get(whole)?.value === value) return true;
  return [...logged].some(([other, change]) => {
    const bytes = Buffer.from(other ?? "", "base64");
    const isSession = bytes.length === first.length + 2 * time.length;
    const isIt = isSession && bytes.indexOf(first) === 0 && bytes.subarray(-8).equals(time);
    return isIt && change.value === value;
  });
}

function entryText({ key, value, start }: Entry): string {
  return `${text(key)}${start === undefined ? "" : `@${start}`} = ${text(value)}`;
}

function said(output: Output | undefined): string {
  if (output === undefined) return "nothing";
  const { topic, key, value, at, headers } = output;
  const shown = headers.map(([name, bytes]) => `${name}=${text(bytes)}`).join(" ");
  return `${topic} ${text(key)}=${text(value)} at ${at} [${shown}]`;
}

function text(bytes: string | null): string {
  return textOf(bytes === null ? null : Buffer.from(bytes, "base64"));
}

/** Text where it is, else hexadecimal. */
export function textOf(read: Buffer | null): string {
  if (read === null) return "null";
  const isText = read.every((byte) => byte >= 0x20);
  return isText ? JSON.stringify(read.toString()) : `0x${read.toString("hex")}`;
}
