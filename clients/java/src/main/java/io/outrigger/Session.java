package io.outrigger;

import io.outrigger.gen.v1.Credit;
import io.outrigger.gen.v1.HandBack;
import io.outrigger.gen.v1.ProcessRequest;
import io.outrigger.gen.v1.ProcessResponse;
import io.outrigger.gen.v1.Reject;
import io.outrigger.gen.v1.Revoked;
import io.outrigger.gen.v1.StateRequest;
import io.outrigger.gen.v1.StateResponse;
import io.outrigger.gen.v1.Welcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;

/**
 * One stream's worth of protocol, without IO: frames in, frames out. The batches of a task run in the
 * order in which they came, those of several tasks beside each other.
 *
 * <pre>
 *   open ──stop──▶ stopping ──last record──▶ idle;  any ──close──▶ closed
 * </pre>
 *
 * Frames come on one thread, batches run on the executor's; what they share is guarded by this object.
 * Results are sent without holding it: writing one may take a while, and frames must come in meanwhile.
 */
final class Session {
  /** What a session asks of the stream. */
  interface Host {
    void send(SentFrame frame);

    void welcomed(Welcome welcome);

    /** The sidecar refused us, or cannot be understood: for good. */
    void rejected(OutriggerRejectedException error);

    /** A handler met an error that the process cannot go on after. */
    void failed(Throwable error);

    /** Nothing is in flight any more after {@code stop}. */
    void idle();
  }

  private enum State {
    OPEN,
    STOPPING,
    CLOSED
  }

  private record Question(HeldBatch held, CompletableFuture<StateResponse> answer) {}

  private final Map<String, TopologyNode> nodes;
  private final Executor executor;
  private final Host host;
  private final Map<String, TaskQueue> tasks = new HashMap<>();
  private final Map<Integer, Question> questions = new HashMap<>();
  private final ResultFrames frames = new ResultFrames();
  private State state = State.OPEN;
  private Welcome welcome;
  private int nextQuestion = 1;

  Session(Map<String, TopologyNode> nodes, Executor executor, Host host) {
    this.nodes = nodes;
    this.executor = executor;
    this.host = host;
  }

  synchronized void received(ReceivedFrame received) {
    if (state == State.CLOSED) return;
    if (received.batch() != null) {
      take(received.batch());
      return;
    }
    ProcessResponse frame = received.message();
    switch (frame.getFrameCase()) {
      case WELCOME -> {
        welcome = frame.getWelcome();
        host.welcomed(welcome);
      }
      case REJECT -> {
        Reject reject = frame.getReject();
        host.rejected(new OutriggerRejectedException(reject.getCode(), reject.getMessage()));
      }
      case STATE_RESPONSE -> answered(frame.getStateResponse());
      case REVOKED -> revoke(frame.getRevoked());
      // Results are still taken after a drain; the stream ends when the sidecar is done. Frames that
      // this version does not know are nothing to it.
      case DRAIN, CHUNK, BATCH, FRAME_NOT_SET -> {}
    }
  }

  /**
   * Finishes the records at hand, then hands every batch back: a batch is answered as a whole or not
   * at all, and whoever gets it next starts from the same state.
   */
  synchronized void stop() {
    if (state != State.OPEN) return;
    state = State.STOPPING;
    // Before the welcome nothing but the hello may be said (P-08), and nothing is held.
    if (welcome != null) {
      send(ProcessRequest.newBuilder().setCredit(Credit.getDefaultInstance()));
    }
    for (TaskQueue task : tasks.values()) {
      for (HeldBatch held : task.batches) {
        held.control.stop();
        if (held.fate == HeldBatch.Fate.ANSWER) held.fate = HeldBatch.Fate.HAND_BACK;
        if (held != task.batches.peekFirst()) settle(held);
      }
      while (task.batches.size() > 1) task.batches.removeLast();
    }
    tellIdle();
  }

  /** The stream is gone: what it carried is worth nothing here any more. */
  synchronized void close() {
    state = State.CLOSED;
    for (TaskQueue task : tasks.values()) {
      for (HeldBatch held : task.batches) forget(held);
      task.batches.clear();
    }
    tasks.clear();
    for (Question question : questions.values()) fail(question, "the sidecar went away");
    questions.clear();
  }

  private void take(ReceivedBatch batch) {
    HeldBatch held = new HeldBatch(batch);
    if (state == State.STOPPING) {
      held.fate = HeldBatch.Fate.HAND_BACK;
      settle(held);
      return;
    }
    TaskQueue task = tasks.computeIfAbsent(batch.taskId, TaskQueue::new);
    task.batches.addLast(held);
    if (task.batches.size() == 1) executor.execute(() -> work(task));
  }

  /** Runs a task's batches until none is left. */
  private void work(TaskQueue task) {
    try {
      HeldBatch held = begin(task);
      while (held != null) {
        run(task, held);
        held = finished(task, held);
      }
    } catch (RuntimeException error) {
      // Handlers' exceptions are part of results: this one is the sidecar's, or ours.
      String message = error.getMessage() == null ? error.toString() : error.getMessage();
      host.rejected(new OutriggerRejectedException("PROTOCOL_VIOLATION", message));
    } catch (Error error) {
      host.failed(error);
    }
  }

  /** The task's next batch; null where there is none, and then nobody works for the task. */
  private synchronized HeldBatch begin(TaskQueue task) {
    HeldBatch held = task.batches.peekFirst();
    if (held != null) task.beginEpoch(held.batch.taskEpoch);
    return held;
  }

  private void run(TaskQueue task, HeldBatch held) {
    BatchRun run = task.run(nodes, welcome(), held.batch.stage, frames);
    SentFrame result = run.run(held.batch, request -> ask(held, request), held.control);
    synchronized (this) {
      if (result == null || held.fate != HeldBatch.Fate.ANSWER) {
        if (result != null) result.release();
        settle(held);
        return;
      }
    }
    host.send(result);
  }

  /** Takes the next one at once: a batch that finds its task without any begins a worker of its own. */
  private synchronized HeldBatch finished(TaskQueue task, HeldBatch held) {
    if (task.batches.peekFirst() != held) return null;
    task.batches.removeFirst();
    if (task.isOver()) tasks.remove(task.taskId, task);
    if (state == State.STOPPING) tellIdle();
    return begin(task);
  }

  private void tellIdle() {
    for (TaskQueue task : tasks.values()) if (!task.batches.isEmpty()) return;
    host.idle();
  }

  private synchronized Welcome welcome() {
    if (welcome != null) return welcome;
    throw new IllegalStateException("the sidecar sent a batch before it welcomed this worker");
  }

  /** Waits for the answer; `close`, `revoke` and an answer all end the wait. */
  private StateResponse ask(HeldBatch held, StateRequest.Builder request) {
    CompletableFuture<StateResponse> answer = new CompletableFuture<>();
    synchronized (this) {
      if (held.control.isTaken()) throw new StateUnavailableException("the batch was taken away");
      Chunks.checkWritten(request.getWritten(), welcome);
      int id = nextQuestion++;
      questions.put(id, new Question(held, answer));
      request
          .setRequestId(id)
          .setDispatchId(held.batch.dispatchId)
          .setTaskEpoch(held.batch.taskEpoch)
          .setTaskId(held.batch.taskId);
    }
    send(ProcessRequest.newBuilder().setStateRequest(request));
    try {
      return answer.join();
    } catch (CompletionException error) {
      throw new StateUnavailableException(error.getCause().getMessage());
    }
  }

  private void answered(StateResponse answer) {
    Question question = questions.remove(answer.getRequestId());
    if (question == null) return;
    if (answer.getError().isEmpty()) {
      question.answer.complete(answer);
      return;
    }
    // Not the record's fault, so no failure: whoever holds the task now starts the batch anew.
    HeldBatch held = question.held;
    if (held.fate == HeldBatch.Fate.ANSWER) held.fate = HeldBatch.Fate.HAND_BACK;
    held.control.stop();
    fail(question, answer.getError());
  }

  private void revoke(Revoked revoked) {
    TaskQueue task = tasks.get(revoked.getTaskId());
    if (task == null) return;
    HeldBatch current = task.batches.peekFirst();
    for (HeldBatch held : task.batches) {
      if (held.batch.taskEpoch == revoked.getTaskEpoch()) forget(held);
    }
    task.batches.removeIf(held -> held != current && held.fate == HeldBatch.Fate.NOTHING);
    task.revokedEpoch = revoked.getTaskEpoch();
    if (task.isOver()) tasks.remove(task.taskId, task);
    List<Integer> ended = new ArrayList<>();
    questions.forEach(
        (id, question) -> {
          if (question.held.fate == HeldBatch.Fate.NOTHING) ended.add(id);
        });
    for (int id : ended) fail(questions.remove(id), "the batch was taken away");
  }

  /** Nobody waits for the batch any more. */
  private void forget(HeldBatch held) {
    held.fate = HeldBatch.Fate.NOTHING;
    held.control.take(executor);
  }

  /** What becomes of a batch that is not answered. */
  private void settle(HeldBatch held) {
    if (held.fate == HeldBatch.Fate.NOTHING) return;
    HandBack.Builder handBack =
        HandBack.newBuilder()
            .setDispatchId(held.batch.dispatchId)
            .setTaskEpoch(held.batch.taskEpoch)
            .setTaskId(held.batch.taskId);
    send(ProcessRequest.newBuilder().setHandBack(handBack));
  }

  private void send(ProcessRequest.Builder frame) {
    host.send(SentFrame.of(frame.build()));
  }

  private static void fail(Question question, String reason) {
    question.answer.completeExceptionally(new StateUnavailableException(reason));
  }
}
