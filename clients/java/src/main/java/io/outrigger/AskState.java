package io.outrigger;

import io.outrigger.gen.v1.StateRequest;
import io.outrigger.gen.v1.StateResponse;

/** Asks the sidecar for what did not travel with the batch. */
@FunctionalInterface
interface AskState {
  /**
   * Waits for the answer, which comes or fails while the stream lives.
   *
   * @param request without the names of request and batch
   * @throws StateUnavailableException where the batch is to be stopped
   */
  StateResponse ask(StateRequest.Builder request);
}
