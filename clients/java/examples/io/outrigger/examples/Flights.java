package io.outrigger.examples;

import io.outrigger.Consumed;
import io.outrigger.KeyValue;
import io.outrigger.Materialized;
import io.outrigger.Outrigger;
import io.outrigger.Produced;
import io.outrigger.Serdes;
import io.outrigger.TimeWindows;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;

/** The application of the demo: departures and their average delay, by airport and day. */
public final class Flights {
  private Flights() {}

  /**
   * A departure.
   *
   * @param delay in minutes
   */
  public record Flight(double delay) {}

  /**
   * What is kept of an airport's day.
   *
   * @param count departures
   * @param delaySum in minutes
   */
  public record Total(long count, double delaySum) {
    Total plus(Flight flight) {
      return new Total(count + 1, delaySum + flight.delay());
    }
  }

  /**
   * What is told of an airport's day.
   *
   * @param count departures
   * @param averageDelay in minutes
   */
  public record Departures(long count, double averageDelay) {}

  /**
   * Runs it until SIGTERM.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    Outrigger app = Outrigger.create();

    app.stream("flights", Consumed.with(Serdes.utf8(), Serdes.json(Flight.class)))
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofDays(1)))
        .aggregate(
            () -> new Total(0, 0),
            (airport, flight, total) -> total.plus(flight),
            Materialized.as("departures-by-day").withValueSerde(Serdes.json(Total.class)))
        .map(
            (airport, total) -> {
              LocalDate day = LocalDate.ofInstant(airport.window().startTime(), ZoneOffset.UTC);
              double average = total.delaySum() / total.count();
              return KeyValue.pair(airport.key() + " " + day, new Departures(total.count(), average));
            })
        .to("departures", Produced.with(Serdes.utf8(), Serdes.json(Departures.class)));

    app.run();
  }
}
