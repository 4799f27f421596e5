import { setFlagsFromString } from "node:v8";

/**
 * Loading modules makes much that survives, for which V8 would let its young generation grow to 16 MB
 * and keep it: a tenth of what an idle sidecar takes. So it is held small until the sidecar is up, and
 * may then grow as the work demands. V8 reads the factor whenever it considers to grow.
 */
export function holdYoungGeneration(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/** V8's default. */
export function letYoungGenerationGrow(): void {
  setFlagsFromString("--semi-space-growth-factor=2");
}
