package io.outrigger;

import io.outrigger.gen.v1.Failure;
import io.outrigger.gen.v1.Verdict;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What a handler has thrown, as the protocol says it. */
final class Failures {
  private static final int TEXT_BYTES_MAX = 4_096;

  /** Causes of causes that are looked at: a chain may go in a circle. */
  private static final int CAUSES_MAX = 32;

  private Failures() {}

  static Failure of(Throwable error, String node) {
    StringWriter stack = new StringWriter();
    error.printStackTrace(new PrintWriter(stack));
    String message = error.getMessage();
    Failure.Builder failure =
        Failure.newBuilder()
            .setType(cut(error.getClass().getName()))
            .setMessage(cut(message == null ? "" : message))
            .setStack(cut(stack.toString()))
            .setNode(node);
    // The outermost that says anything: a serde's exception, say, comes as the cause of another.
    for (Throwable cause : causesOf(error)) {
      if (cause instanceof RetryLaterException retry) {
        failure.setVerdict(Verdict.VERDICT_RETRY);
        if (retry.after() != null) failure.setRetryAfterMs(retry.after().toMillis());
        break;
      }
      if (cause instanceof DeadLetterException) {
        failure.setVerdict(Verdict.VERDICT_DEAD_LETTER);
        break;
      }
      if (cause instanceof ParkException) {
        failure.setVerdict(Verdict.VERDICT_PARK);
        break;
      }
      if (cause instanceof StopTaskException) {
        failure.setVerdict(Verdict.VERDICT_FAIL);
        break;
      }
    }
    return failure.build();
  }

  /** The error, its cause, and so on. */
  static List<Throwable> causesOf(Throwable error) {
    List<Throwable> causes = new ArrayList<>();
    Throwable cause = error;
    while (cause != null && causes.size() < CAUSES_MAX) {
      causes.add(cause);
      cause = cause.getCause();
    }
    return causes;
  }

  /**
   * Throws what the process cannot go on after. A stack that overflowed has unwound by now: that is a
   * record's fault.
   */
  static void throwIfFatal(Throwable error) {
    if (error instanceof VirtualMachineError fatal && !(error instanceof StackOverflowError)) {
      throw fatal;
    }
  }

  /** Throws it on, checked or not, to a caller that declares none; never returns. */
  static RuntimeException unchecked(Throwable error) {
    throw Failures.<RuntimeException>sneaked(error);
  }

  // Thrown within the generic method, where E is but Throwable: the caller would cast it to E.
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> E sneaked(Throwable error) throws E {
    throw (E) error;
  }

  private static String cut(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= TEXT_BYTES_MAX) return text;
    int end = TEXT_BYTES_MAX;
    // Not within a character: those that continue one begin with the bits 10.
    while ((bytes[end] & 0xC0) == 0x80) end -= 1;
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }
}
