package io.outrigger.examples;

import io.outrigger.Outrigger;
import io.outrigger.Serdes;

/** Every greeting in upper case. */
public final class Quickstart {
  private Quickstart() {}

  /**
   * Runs it until SIGTERM.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    Outrigger app =
        Outrigger.builder()
            .defaultKeySerde(Serdes.utf8())
            .defaultValueSerde(Serdes.utf8())
            .build();

    app.<String, String>stream("greetings")
        .mapValues(greeting -> greeting.toUpperCase())
        .to("shouted-greetings");

    app.run();
  }
}
