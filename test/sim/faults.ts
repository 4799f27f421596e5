import type { ModelKafka } from "./kafka/model.ts";
import type { Process } from "./loop.ts";
import { disks, type StoredDirectory } from "./memory-rocksdb.ts";
import type { RequestFault } from "./network.ts";
import type { Blow, Fault, Happening, Ruin } from "./plan.ts";
import type { Sidecar } from "./sidecar.ts";
import { APPLICATION_ID } from "./topologies.ts";
import { virtual } from "./virtual-globals.ts";
import type { World } from "./world.ts";

/** A fault that waits for its moment. */
interface Waiting {
  readonly fault: Fault;
  left: number;
}

const SNAPSHOT_EVERY_MS = 250;
/** After the markers are written, mostly, and before a lost EndTxn is repeated. */
const HIJACK_AFTER_MS = 60;

type Snapshot = ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

/** Carries out the plan's faults, each at most once. */
export class Faults {
  struck = 0;
  readonly #world: World;
  readonly #waiting: Waiting[] = [];
  /** What is still to come, or under way: paused and dead processes, nodes that are down. */
  #pending: number;
  readonly #rotten = new Set<string>();
  readonly #snapshots: { readonly atMs: number; readonly disks: Snapshot }[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#pending = world.plan.faults.length;
  }

  get areOver(): boolean {
    return this.#pending === 0;
  }

  /** Nothing is under way; some still wait for a moment that may never come. */
  get onlyWait(): boolean {
    return this.#pending === this.#waiting.length;
  }

  /** From now on nothing befalls anybody. */
  end(): void {
    this.#waiting.length = 0;
  }

  start(): void {
    const { loop, plan } = this.#world;
    for (const fault of plan.faults) {
      loop.after(fault.afterMs, null, () => this.#arm(fault));
    }
    const rollsBack = plan.faults.some(({ on, ...rest }) => on === "time" && isRollBack(rest));
    if (rollsBack) this.#snapshot();
  }

  onRequest(owner: Process, api: string): RequestFault | null {
    const blow = this.#take(owner, (fault) => fault.on === "moment" && isAt(fault, api, "sent"));
    if (blow?.on === "moment") this.#strike(owner, blow.blow, `as it sends ${api}`);
    const found = this.#take(owner, (fault) => fault.on === "request" && fault.api === api);
    if (found?.on !== "request") return null;
    this.#world.trace(() => `FAULT: ${api} of ${owner.name}: ${JSON.stringify(found.fault)}`);
    const { fault } = found;
    const sidecar = this.#world.sidecars[this.#slotOf(owner)] ?? null;
    if (found.thenHijack === true && sidecar !== null) {
      const { kafka, loop } = this.#world;
      const id = transactionalId(sidecar);
      loop.after(HIJACK_AFTER_MS, null, () => kafka.transactions.initProducerId(id, 10_000));
    }
    const lastsMs = fault.kind === "late" || fault.kind === "slowAnswer" ? fault.ms : 0;
    this.#overIn(lastsMs);
    return fault;
  }

  onAnswer(owner: Process, api: string): void {
    const blow = this.#take(
      owner,
      (fault) => fault.on === "moment" && isAt(fault, api, "answered"),
    );
    if (blow?.on === "moment") this.#strike(owner, blow.blow, `as ${api} is answered`);
  }

  onState(sidecar: Sidecar, state: string): void {
    const blow = this.#take(
      sidecar.process,
      (fault) => fault.on === "state" && fault.state === state,
    );
    if (blow?.on === "state") this.#strike(sidecar.process, blow.blow, `as it enters ${state}`);
  }

  onWrite(directory: StoredDirectory): void {
    const { owner } = directory;
    if (owner === null || directory.path.endsWith("/process")) return;
    const blow = this.#take(owner, (fault) => fault.on === "write");
    if (blow?.on === "write") this.#strike(owner, blow.blow, `as ${directory.path} is written`);
  }

  #arm(fault: Fault): void {
    if (fault.on === "time") {
      this.struck += 1;
      this.#happen(fault.what);
      return;
    }
    this.#waiting.push({ fault, left: fault.skip });
  }

  #take(owner: Process, fits: (fault: Fault) => boolean): Fault | null {
    const slot = this.#slotOf(owner);
    for (const [index, waiting] of this.#waiting.entries()) {
      const { fault } = waiting;
      if (!fits(fault)) continue;
      if ("sidecar" in fault && fault.sidecar !== null && fault.sidecar !== slot) continue;
      waiting.left -= 1;
      if (waiting.left >= 0) continue;
      this.#waiting.splice(index, 1);
      this.struck += 1;
      return fault;
    }
    return null;
  }

  #slotOf(owner: Process): number {
    return this.#world.sidecars.findIndex((sidecar) => sidecar?.process === owner);
  }

  #strike(owner: Process, blow: Blow, when: string): void {
    this.#world.trace(() => `FAULT: ${owner.name} ${when}: ${JSON.stringify(blow)}`);
    const slot = this.#slotOf(owner);
    if (slot < 0 || owner.state !== "running") {
      this.#overIn(0);
      return;
    }
    this.#blow(slot, blow);
  }

  #blow(slot: number, blow: Blow): void {
    const { loop, sidecars } = this.#world;
    const sidecar = sidecars[slot];
    if (sidecar === null || sidecar === undefined || sidecar.process.state !== "running") {
      this.#overIn(0);
      return;
    }
    if (blow.kind === "pause") {
      sidecar.process.state = "paused";
      loop.after(blow.ms, null, () => {
        this.#world.trace(() => `${sidecar.process.name} goes on`);
        loop.resume(sidecar.process);
        this.#overIn(0);
      });
      return;
    }
    sidecar.process.kill();
    sidecars[slot] = null;
    const directory = blow.fresh ? this.#world.newDirectory() : sidecar.directory;
    this.#restart(slot, directory, blow.restartMs);
  }

  #restart(slot: number, directory: string, afterMs: number): void {
    this.#world.loop.after(afterMs, null, () => {
      this.#world.startSidecar(slot, directory);
      this.#overIn(0);
    });
  }

  #overIn(ms: number): void {
    this.#world.loop.after(ms, null, () => {
      this.#pending -= 1;
    });
  }

  #happen(what: Happening): void {
    const { kafka, sidecars, loop } = this.#world;
    this.#world.trace(() => `FAULT: ${JSON.stringify(what)}`);
    const group = kafka.group(APPLICATION_ID);
    const sidecar = "sidecar" in what ? (sidecars[what.sidecar] ?? null) : null;
    switch (what.kind) {
      case "blow":
        this.#blow(what.sidecar, what.blow);
        return;
      case "leave":
        this.#leave(what.sidecar, what.awayMs, what.fresh);
        return;
      case "nodeDown":
        this.#nodeDown(what.node, what.ms);
        return;
      case "moveCoordinator":
        kafka.moveCoordinator(what.of);
        this.#overIn(0);
        return;
      case "expireMember":
        if (sidecar !== null) group.remove(sidecar.memberId);
        this.#overIn(0);
        return;
      case "expireTransaction":
        if (sidecar !== null) kafka.transactions.expire(transactionalId(sidecar));
        this.#overIn(0);
        return;
      case "rotate":
        for (let i = 0; i < what.times; i++)
          loop.after(i * what.everyMs, null, () => group.rotate());
        this.#overIn(what.times * what.everyMs);
        return;
      case "bumpGroup":
        group.bump();
        this.#overIn(0);
        return;
      case "compact":
        this.#compact();
        this.#overIn(0);
        return;
      case "slowMarkers":
        kafka.slowMarkersMs = what.markerMs;
        loop.after(what.ms, null, () => {
          kafka.slowMarkersMs = 0;
          this.#overIn(what.markerMs);
        });
        return;
      case "hijack":
        this.#hijack(sidecar, what.times);
        return;
      case "workerCrash":
        sidecar?.application?.crashOne();
        this.#overIn(0);
        return;
      case "rollBack":
        this.#rollBack(what.sidecar, what.ageMs);
        return;
      case "corrupt":
        this.#corrupt(what.sidecar);
        return;
      case "rot":
        this.#rot(what.sidecar, what.after);
        return;
      case "wallClock":
        virtual.wallShiftMs += what.ms;
        this.#overIn(0);
        return;
      case "ruin":
        this.#ruin(what.what);
        return;
    }
  }

  #leave(slot: number, awayMs: number, fresh: boolean): void {
    const { sidecars } = this.#world;
    const sidecar = sidecars[slot];
    if (sidecar === null || sidecar === undefined || sidecar.process.state !== "running") {
      this.#overIn(0);
      return;
    }
    if (sidecar.isStopping) {
      this.#overIn(0);
      return;
    }
    const directory = fresh ? this.#world.newDirectory() : sidecar.directory;
    let hasStopped = false;
    sidecar.stop(() => {
      if (sidecar.process.state === "dead") return;
      this.#world.trace(() => `${sidecar.process.name} has stopped`);
      hasStopped = true;
      sidecar.process.kill();
      sidecars[slot] = null;
      this.#restart(slot, directory, awayMs);
    });
    // Whoever kills it while it drains starts its successor.
    sidecar.process.onEnd(() => {
      if (!hasStopped) this.#overIn(0);
    });
  }

  #nodeDown(nodeId: number, ms: number): void {
    const { kafka, network, loop } = this.#world;
    const node = kafka.nodes[nodeId - 1];
    if (node === undefined || kafka.nodes.filter(({ up }) => up).length < 2 || !node.up) {
      this.#overIn(0);
      return;
    }
    node.up = false;
    network.disconnect(nodeId);
    loop.after(kafka.scheduler.random.skewed(20, 600), null, () => kafka.moveFrom(nodeId));
    loop.after(ms, null, () => {
      node.up = true;
      this.#overIn(0);
    });
  }

  #compact(): void {
    const { loop, plan } = this.#world;
    this.#world.compacted = true;
    for (const [name, topic] of this.#world.kafka.topics) {
      if (!name.endsWith("-changelog")) continue;
      for (const log of topic.partitions) log.compact(loop.nowMs - plan.deleteRetentionMs);
    }
  }

  #ruin(what: Ruin): void {
    const { kafka, sidecars, loop } = this.#world;
    const directories = sidecars.map((sidecar) => sidecar?.directory ?? "");
    for (const sidecar of sidecars) sidecar?.process.kill();
    const goOn = (): void => {
      if (kafka.transactions.openCount > 0) {
        loop.after(100, null, goOn);
        return;
      }
      ruin(kafka, what);
      for (const [slot, directory] of directories.entries()) {
        this.#world.startSidecar(slot, directory);
      }
      this.#overIn(0);
    };
    goOn();
  }

  #hijack(sidecar: Sidecar | null, times: number): void {
    const { kafka, loop } = this.#world;
    for (let i = 0; i < times; i++) {
      loop.after(i * 300, null, () => {
        if (sidecar === null) return;
        kafka.transactions.initProducerId(transactionalId(sidecar), 10_000);
      });
    }
    this.#overIn(times * 300);
  }

  #snapshot(): void {
    const { loop } = this.#world;
    const copied = new Map(
      [...disks.directories].map(([path, { data }]) => [path, new Map(data)] as const),
    );
    this.#snapshots.push({ atMs: loop.nowMs, disks: copied });
    if (!this.areOver) loop.after(SNAPSHOT_EVERY_MS, null, () => this.#snapshot());
  }

  #rollBack(slot: number, ageMs: number): void {
    const sidecar = this.#world.sidecars[slot];
    const wanted = this.#world.loop.nowMs - ageMs;
    const snapshot = this.#snapshots.findLast(({ atMs }) => atMs <= wanted);
    this.#blow(slot, { kind: "crash", restartMs: 50, fresh: false });
    if (sidecar === null || sidecar === undefined || snapshot === undefined) return;
    if (sidecar.process.state !== "dead") return;
    for (const [path, directory] of [...disks.directories]) {
      if (!path.startsWith(`${sidecar.directory}/`)) continue;
      const before = snapshot.disks.get(path);
      if (before === undefined) disks.directories.delete(path);
      else directory.data = new Map(before);
    }
  }

  #corrupt(slot: number): void {
    const sidecar = this.#world.sidecars[slot];
    for (const directory of disks.directories.values()) {
      const isOwn = directory.path.startsWith(`${sidecar?.directory}/`);
      if (isOwn && !directory.path.endsWith("/process")) directory.corrupted = true;
    }
    this.#blow(slot, { kind: "crash", restartMs: 50, fresh: false });
  }

  /** Each task once: a disk that rots again within minutes ends the process, as it should. */
  #rot(slot: number, after: number): void {
    const sidecar = this.#world.sidecars[slot];
    for (const directory of disks.directories.values()) {
      const isOwn = directory.path.startsWith(`${sidecar?.directory}/`);
      if (!isOwn || directory.path.endsWith("/process")) continue;
      if (this.#rotten.has(directory.path)) continue;
      this.#rotten.add(directory.path);
      directory.rotsAfter = after;
    }
    this.#overIn(0);
  }
}

function isAt(fault: Fault, api: string, moment: "sent" | "answered"): boolean {
  return fault.on === "moment" && fault.api === api && fault.moment === moment;
}

function isRollBack(fault: object): boolean {
  const { what } = fault as { what?: Happening };
  return what?.kind === "rollBack";
}

function transactionalId(sidecar: Sidecar): string {
  return `${APPLICATION_ID}-${sidecar.processId}-0`;
}

function ruin(kafka: ModelKafka, what: Ruin): void {
  const { committed } = kafka.group(APPLICATION_ID);
  for (const topic of kafka.topics.values()) {
    if (!topic.name.endsWith("-changelog")) continue;
    if (what === "truncateChangelog") for (const log of topic.partitions) log.truncate(log.end - 3);
    if (what === "recreateChangelog") {
      kafka.createTopic(topic.name, topic.partitions.length, topic.configs);
    }
  }
  if (what === "deleteOffsets") committed.clear();
  if (what !== "moveOffsets") return;
  for (const [partition, offset] of committed) {
    committed.set(partition, { ...offset, offset: 0, metadata: "" });
  }
}
