package io.outrigger.examples;

import io.outrigger.Consumed;
import io.outrigger.KeyValue;
import io.outrigger.Materialized;
import io.outrigger.Outrigger;
import io.outrigger.Produced;
import io.outrigger.Serdes;
import io.outrigger.SessionWindows;
import io.outrigger.Window;
import io.outrigger.Windowed;
import java.time.Duration;

/** How many clicks each visit has: a visit ends where a user clicks nothing for half an hour. */
public final class Visits {
  private Visits() {}

  static Outrigger application() {
    Outrigger app = Outrigger.create();

    app.stream("clicks", Consumed.with(Serdes.utf8(), Serdes.utf8()))
        .groupByKey()
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(Duration.ofMinutes(30)))
        .count(Materialized.as("clicks-by-visit"))
        // A visit that goes on has another window: what was told of the last one is taken back, as null.
        .map((visit, clicks) -> KeyValue.pair(name(visit), clicks))
        .to("visits", Produced.with(Serdes.utf8(), Serdes.nullable(Serdes.Long())));

    return app;
  }

  private static String name(Windowed<String> visit) {
    Window window = visit.window();
    return visit.key() + " " + window.start() + "-" + window.end();
  }

  /**
   * Runs it until SIGTERM.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    application().run();
  }
}
