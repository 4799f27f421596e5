import { stagesOf } from "../model/steps.ts";
import type { Program, Programs } from "../model/topology.ts";

/** The programs, each with its place in the frames, which count sources and stages over all of them. */
export function framed([first, ...others]: Programs): Programs {
  const at = { source: 0, stage: 0 };
  const placed = (program: Program): Program => {
    const frame = { ...at };
    at.source += program.sources.length;
    at.stage += stagesOf(program).length;
    return { ...program, frame };
  };
  return [placed(first), ...others.map(placed)];
}
