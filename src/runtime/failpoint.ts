import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Transaction } from "../transactions/transaction.ts";

type State = Transaction["state"];

/**
 * A crash at a chosen moment of a commit, for tests: `applying:3` kills the process, without warning,
 * when a commit enters `applying` for the third time. The states are those of the transaction
 * machine: `sendingOffsets` is after every acknowledgement, `ending` between TxnOffsetCommit and
 * EndTxn, `applying` between EndTxn and the store's write.
 */
export function failpoint(text: string | undefined): (state: State) => void {
  if (text === undefined || text === "") return () => {};
  const [state, times = "1"] = text.split(":");
  let left = Number(times);
  if (!Number.isInteger(left) || left < 1) {
    const said = `OUTRIGGER_FAILPOINT is "${text}"; it is <state>:<n>, for instance applying:3`;
    throw new OutriggerError("CONFIG_INVALID", said);
  }
  return (entered) => {
    if (entered !== state) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, "SIGKILL");
  };
}
