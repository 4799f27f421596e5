import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Application, ApplicationListener } from "../ports/application.ts";
import type { ConsumerListener, Group } from "../ports/consumer.ts";
import type { TransactionalProducer } from "../ports/producer.ts";
import type { StateDirectory, TaskState } from "../ports/store.ts";
import type { KernelParts } from "./parts.ts";

/**
 * Moments at which `OUTRIGGER_FAILPOINT` ends or stops the process, in the order of a commit; the
 * states of the transaction machine stand for themselves. Those that end in `Sent` let the event
 * loop turn once, so that the request has left.
 */
export const FAILPOINTS = {
  polled: "records have arrived, nobody has seen them",
  dispatched: "a batch was given to a worker",
  answered: "an answer has arrived, and was not taken",
  staged: "an answer was taken and staged",
  beginning: "a cut is due, and not taken",
  producing: "the cut is taken, nothing is sent",
  produceSent: "records were sent, their acknowledgements are awaited",
  sendingOffsets: "every record is acknowledged",
  offsetsSent: "the offsets were sent, their answer is awaited",
  ending: "the offsets are accepted, EndTxn is not sent",
  endSent: "EndTxn was sent, its answer is awaited",
  applying: "EndTxn was answered, the stores are not written",
  writing: "a store is being written",
  written: "a store was written, nobody knows",
  aborting: "a transaction is to be aborted",
  abortSent: "an abort was sent, its answer is awaited",
  revoking: "partitions were taken away, the commit for them is about to end",
  restoring: "a part of a changelog was restored",
  restored: "every store of a task is restored, its work has not begun",
  wiping: "a store is being deleted",
  stopping: "the drain begins",
  leaving: "all is committed, the group's leave was sent",
} as const;

type Point = keyof typeof FAILPOINTS;

/** What the process meets at its failpoint, wound around what it is made of. */
export interface Failpoint {
  parts(parts: KernelParts): KernelParts;
  application(application: Application): Application;
  applicationListener(listener: ApplicationListener): ApplicationListener;
  consumerListener(listener: ConsumerListener): ConsumerListener;
  /** For what tells of its moments itself. */
  entered(at: Point): void;
}

/** Without a failpoint everything is what it was: nothing is called in between. */
const NONE: Failpoint = {
  parts: (parts) => parts,
  application: (application) => application,
  applicationListener: (listener) => listener,
  consumerListener: (listener) => listener,
  entered: () => {},
};

/**
 * A crash at a chosen moment, for tests: `applying:3` kills the process, without warning, when it
 * comes to `applying` for the third time; `applying:3:stop` stops it there until SIGCONT. Throws
 * CONFIG_INVALID.
 */
export function failpoint(
  text: string | undefined,
  signalSelf: (signal: "SIGKILL" | "SIGSTOP") => void = (signal) =>
    void process.kill(process.pid, signal),
): Failpoint {
  if (text === undefined || text === "") return NONE;
  const [name = "", times = "1", how = "kill"] = text.split(":");
  const isWellFormed = Number.isInteger(Number(times)) && Number(times) > 0;
  if (!Object.hasOwn(FAILPOINTS, name) || !isWellFormed || !["kill", "stop"].includes(how)) {
    const said =
      `OUTRIGGER_FAILPOINT is "${text}"; it is <point>:<n> or <point>:<n>:stop, for instance ` +
      `applying:3, and the points are ${Object.keys(FAILPOINTS).join(", ")}`;
    throw new OutriggerError("CONFIG_INVALID", said);
  }
  let left = Number(times);
  const hit = (at: Point): void => {
    if (at !== name) return;
    left -= 1;
    if (left === 0) signalSelf(how === "stop" ? "SIGSTOP" : "SIGKILL");
  };
  return windings(hit);
}

type Hit = (at: Point) => void;

function windings(hit: Hit): Failpoint {
  let isRevoking = false;
  const revoked = (): void => {
    isRevoking = true;
  };
  return {
    entered: hit,
    parts: (parts) => ({
      ...parts,
      createProducer: (id) => watchedProducer(parts.createProducer(id), hit),
      group: watchedGroup(parts.group, hit, revoked),
      directory: watchedDirectory(parts.directory, hit),
      commitEntered: (state) => {
        parts.commitEntered(state);
        if (Object.hasOwn(FAILPOINTS, state)) hit(state as Point);
        if (state === "ending" && isRevoking) hit("revoking");
        if (state === "applying") isRevoking = false;
      },
    }),
    application: (application) =>
      wound(application, {
        dispatch: (worker, batch) => {
          const bytes = application.dispatch(worker, batch);
          hit("dispatched");
          return bytes;
        },
        drain: (timeoutMs) => {
          hit("stopping");
          application.drain(timeoutMs);
        },
      }),
    applicationListener: (listener) =>
      wound(listener, {
        answered: (worker, answer) => {
          hit("answered");
          listener.answered(worker, answer);
          hit("staged");
        },
      }),
    consumerListener: (listener) =>
      wound(listener, {
        fetched: (chunk, facts) => {
          if (chunk.columns.count > 0) hit("polled");
          listener.fetched(chunk, facts);
        },
      }),
  };
}

function watchedProducer(producer: TransactionalProducer, hit: Hit): TransactionalProducer {
  return wound(producer, {
    begin: () => {
      hit("beginning");
      return producer.begin();
    },
    produce: (records) => {
      const produced = producer.produce(records);
      soon(() => hit("produceSent"));
      return produced;
    },
    sendOffsets: (offsets, membership) => {
      const sent = producer.sendOffsets(offsets, membership);
      soon(() => hit("offsetsSent"));
      return sent;
    },
    end: (outcome, attempt) => {
      const ended = producer.end(outcome, attempt);
      soon(() => hit(outcome === "commit" ? "endSent" : "abortSent"));
      return ended;
    },
  });
}

function watchedGroup(group: Group, hit: Hit, revoked: () => void): Group {
  let held = 0;
  return wound(group, {
    heartbeat: async (request) => {
      const answering = group.heartbeat(request);
      if (request.memberEpoch < 0) soon(() => hit("leaving"));
      const answer = await answering;
      if (answer.kind === "member" && answer.assignment !== null) {
        if (answer.assignment.length < held) revoked();
        held = answer.assignment.length;
      }
      return answer;
    },
  });
}

function watchedDirectory(directory: StateDirectory, hit: Hit): StateDirectory {
  return wound(directory, {
    openTask: async (name, stores) => watchedState(await directory.openTask(name, stores), hit),
  });
}

function watchedState(state: TaskState, hit: Hit): TaskState {
  return wound(state, {
    commit: async (marks) => {
      const written = state.commit(marks);
      hit("writing");
      await written;
      hit("written");
    },
    restore: async (changes, position) => {
      await state.restore(changes, position);
      hit("restoring");
    },
    caughtUp: async (atMs) => {
      await state.caughtUp(atMs);
      hit("restored");
    },
    wipe: async () => {
      const wiped = state.wipe();
      soon(() => hit("wiping"));
      await wiped;
    },
  });
}

/** `target` with some of its methods replaced; the others are called on it itself. */
function wound<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get: (own, name) => {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name);
      const value: unknown = Reflect.get(own, name);
      return typeof value === "function" ? value.bind(own) : value;
    },
  });
}

function soon(work: () => void): void {
  setImmediate(work);
}
