import { OutriggerError } from "../errors/outrigger-error.ts";
import type { SlotState } from "../model/rows.ts";
import { stagesOf } from "../model/steps.ts";
import type { Stage } from "../model/topology.ts";
import { packValues } from "../model/value-columns.ts";
import type { Application, ApplicationListener } from "../ports/application.ts";
import type { Clock } from "../ports/clock.ts";

/**
 * Ways in which a sidecar may treat its workers that are allowed and rare; the conformance kit makes
 * them the rule, so that SDKs meet them.
 *
 * - `prefetch-off`: no state of process code travels with a batch; everything is asked for (P-45).
 * - `credit-of-one`: every worker gets one batch at a time, whatever it grants (P-13).
 * - `revoke-every-batch`: every batch is first sent under an epoch that is revoked at once, or a moment
 *   later, and then under its own (P-40, P-38).
 */
const MODES = ["prefetch-off", "credit-of-one", "revoke-every-batch"] as const;

export type HostileMode = (typeof MODES)[number];

/** Epochs of batches that are sent to be revoked; no task ever gets so far. */
const REVOKED_EPOCHS = 0x8000_0000;
/** Every second batch is left with its worker for so long before it is revoked. */
const REVOKE_AFTER_MS = 3;

/** Reads `OUTRIGGER_HOSTILE`: modes with commas between them. Throws CONFIG_INVALID. */
export function hostileModes(text: string | undefined): ReadonlySet<HostileMode> {
  const modes = (text ?? "").split(",").filter((mode) => mode !== "");
  return new Set(
    modes.map((given) => {
      const mode = MODES.find((known) => known === given);
      if (mode !== undefined) return mode;
      const said = `OUTRIGGER_HOSTILE names "${given}"; the modes are ${MODES.join(", ")}`;
      throw new OutriggerError("CONFIG_INVALID", said);
    }),
  );
}

/** What the kernel hears of its workers, in these modes. */
export function hostileListener(
  listener: ApplicationListener,
  modes: ReadonlySet<HostileMode>,
): ApplicationListener {
  if (!modes.has("credit-of-one")) return listener;
  return {
    connected: (worker, hello) => listener.connected(worker, { ...hello, creditBatches: 1 }),
    disconnected: (worker, reason) => listener.disconnected(worker, reason),
    answered: (worker, answer) => listener.answered(worker, answer),
    handedBack: (worker, batch) => listener.handedBack(worker, batch),
    asked: (worker, question) => listener.asked(worker, question),
    credited: (worker, batches, bytes) => listener.credited(worker, Math.min(1, batches), bytes),
  };
}

/** The workers, as the kernel treats them in these modes. */
export function hostileApplication(
  application: Application,
  modes: ReadonlySet<HostileMode>,
  clock: Clock,
): Application {
  if (modes.size === 0) return application;
  let stages: readonly Stage[] = [];
  let dispatched = 0;
  return {
    welcome: (worker, programs) => {
      stages = programs.flatMap(stagesOf);
      application.welcome(worker, programs);
    },
    reject: (worker, error) => application.reject(worker, error),
    disconnect: (worker, reason) => application.disconnect(worker, reason),
    dispatch: (worker, given) => {
      const withheld = modes.has("prefetch-off");
      const stage = stages[given.stage];
      const states = withheld ? given.states.map((s) => withoutSlots(s, stage)) : given.states;
      const batch = { ...given, states };
      if (!modes.has("revoke-every-batch")) return application.dispatch(worker, batch);
      const taskEpoch = REVOKED_EPOCHS + batch.taskEpoch;
      const bytes = application.dispatch(worker, { ...batch, taskEpoch });
      const goOn = (): void => {
        application.revoke(worker, batch.taskName, taskEpoch);
        application.dispatch(worker, batch);
      };
      dispatched += 1;
      if (dispatched % 2 === 0) clock.after(REVOKE_AFTER_MS, goOn);
      else goOn();
      return bytes;
    },
    revoke: (worker, taskName, taskEpoch) => application.revoke(worker, taskName, taskEpoch),
    answerState: (worker, requestId, answer) => application.answerState(worker, requestId, answer),
    drain: (timeoutMs) => application.drain(timeoutMs),
    setServing: (serving) => application.setServing(serving),
    close: () => application.close(),
  };
}

/** An aggregate's values always travel: it runs only for rows that have a slot. */
function withoutSlots(state: SlotState, stage: Stage | undefined): SlotState {
  const store = stage?.stores[state.store];
  if (store === undefined || store.windows !== null || store.takes !== undefined) return state;
  const rows = state.slotCounts?.length ?? state.slots.length;
  return {
    ...state,
    values: packValues([]),
    slots: new Int32Array(),
    slotCounts: new Int32Array(rows),
  };
}
