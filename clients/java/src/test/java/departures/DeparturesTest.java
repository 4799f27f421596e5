package departures;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.outrigger.Consumed;
import io.outrigger.KeyValue;
import io.outrigger.Materialized;
import io.outrigger.Outrigger;
import io.outrigger.Produced;
import io.outrigger.Serdes;
import io.outrigger.TestDriver;
import io.outrigger.TestRecord;
import io.outrigger.TimeWindows;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeparturesTest {
  private static Outrigger departures() {
    Outrigger app = Outrigger.create();
    app.stream("flights", Consumed.with(Serdes.String(), Serdes.String()))
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(1)))
        .count(Materialized.as("counts"))
        .map((airport, count) -> KeyValue.pair(airport.key(), count))
        .to("departures", Produced.with(Serdes.String(), Serdes.Long()));
    return app;
  }

  @Test
  void departuresAreCountedByMinute() {
    try (TestDriver driver = TestDriver.of(departures()).start()) {
      driver.pipe(
          "flights",
          Serdes.String(),
          Serdes.String(),
          TestRecord.at(1_000, "BER", "LH1"),
          TestRecord.at(60_000, "BER", "LH2"),
          TestRecord.at(2_000, "BER", "LH3"));
      var read = driver.read("departures", Serdes.String(), Serdes.Long());
      assertEquals(List.of(1L, 1L), read.stream().map(TestRecord::value).toList());
      var counts = driver.store("counts", Serdes.String(), Serdes.Long());
      assertEquals(1L, counts.get("BER", 0));
    }
  }
}
