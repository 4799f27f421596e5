package io.outrigger.examples;

import io.outrigger.Consumed;
import io.outrigger.KeyValue;
import io.outrigger.Materialized;
import io.outrigger.Outrigger;
import io.outrigger.Produced;
import io.outrigger.Serdes;
import io.outrigger.TimeWindows;
import java.time.Duration;

/** How many events of each key there are in every 5 minutes. */
public final class WindowCounts {
  private WindowCounts() {}

  static Outrigger application() {
    Outrigger app = Outrigger.create();

    app.stream("events", Consumed.with(Serdes.utf8(), Serdes.ByteArray()))
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(5)))
        .count(Materialized.as("counts"))
        .map((key, count) -> KeyValue.pair(key.key() + "@" + key.window().start(), count))
        .to("event-counts", Produced.with(Serdes.utf8(), Serdes.Long()));

    return app;
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
