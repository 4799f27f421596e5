package io.outrigger.conformance;

import io.outrigger.FiredTimer;
import io.outrigger.KStream;
import io.outrigger.Named;
import io.outrigger.Outrigger;
import io.outrigger.ProcessorContext;
import io.outrigger.Record;
import io.outrigger.TimedProcessor;
import io.outrigger.TimerClock;
import java.time.Duration;

/** The value says what is to be done with timers of the record's key: see docs/sdks.md. */
final class Waiting implements TimedProcessor<String, String, String, String> {
  static void declare(Outrigger app) {
    Named wait =
        Named.as("wait")
            .withPunctuator("beat", Duration.ofMinutes(1), TimerClock.WALL_CLOCK_TIME);
    KStream<String, String> waiting = Conformance.commands(app).process(new Waiting(), wait);
    Conformance.results(waiting, Conformance.TEXT, Conformance.TEXT);
  }

  @Override
  public void process(Record<String, String> record, ProcessorContext<String, String> context) {
    if (record.value() == null) return;
    for (String action : record.value().split("; ")) {
      String[] words = action.split(" ");
      boolean isWall = words[words.length - 1].equals("wall");
      TimerClock clock = isWall ? TimerClock.WALL_CLOCK_TIME : TimerClock.STREAM_TIME;
      switch (words[0]) {
        case "set" -> context.timers().set(words[1], Long.parseLong(words[2]), clock);
        case "delete" -> context.timers().delete(words[1], clock);
        case "fail" -> throw new IllegalStateException("told to fail");
        default -> {}
      }
    }
  }

  @Override
  public void onTimer(FiredTimer<String> timer, ProcessorContext<String, String> context) {
    if (timer.name().equals("fail")) {
      throw new IllegalStateException("fail " + timer.key() + " " + timer.idempotencyKey());
    }
    if (timer.name().equals("again")) {
      context.timers().set(timer.name(), timer.time() + 1_000, timer.clock());
    }
    String clock = timer.clock() == TimerClock.WALL_CLOCK_TIME ? "wall" : "stream";
    context.forward(timer.key(), timer.name() + " " + timer.time() + " " + clock);
  }

  @Override
  public void onPunctuate(
      String name, long timestamp, ProcessorContext<String, String> context) {
    context.forward(null, "beat " + timestamp);
  }
}
