package io.outrigger;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The settings of a {@link TestDriver}; all have defaults. */
public final class TestDriverBuilder {
  final Outrigger application;
  final Map<String, String> settings = new LinkedHashMap<>();
  final Map<String, Integer> topics = new LinkedHashMap<>();
  Instant wallClock;
  Duration timeout = Duration.ofSeconds(30);
  List<String> command;

  TestDriverBuilder(Outrigger application) {
    this.application = application;
    String id = application.applicationId();
    settings.put("application.id", id.isEmpty() ? "test" : id);
  }

  /**
   * A setting of the sidecar.
   *
   * @param key its dotted key, for instance {@code retry.max}
   * @param value its value
   * @return this
   */
  public TestDriverBuilder setting(String key, Object value) {
    settings.put(key, String.valueOf(value));
    return this;
  }

  /**
   * A topic with more than one partition, or that the topology does not name.
   *
   * @param name its name
   * @param partitions how many it has
   * @return this
   */
  public TestDriverBuilder topic(String name, int partitions) {
    topics.put(name, partitions);
    return this;
  }

  /**
   * The clock at the start. Default: now.
   *
   * @param start the time
   * @return this
   */
  public TestDriverBuilder wallClock(Instant start) {
    wallClock = start;
    return this;
  }

  /**
   * How long the application may take over what it is given, in real time. Default: 30 s.
   *
   * @param longest the time
   * @return this
   */
  public TestDriverBuilder timeout(Duration longest) {
    timeout = longest;
    return this;
  }

  /**
   * What starts the sidecar. Default: OUTRIGGER_BIN, {@code outrigger} of the path, or npx.
   *
   * @param line the program and its arguments
   * @return this
   */
  public TestDriverBuilder command(String... line) {
    command = List.of(line);
    return this;
  }

  /**
   * Starts the application, and the kernel that it runs on.
   *
   * @return the driver
   * @throws OutriggerRejectedException where the topology is refused
   */
  public TestDriver start() {
    return new TestDriver(this);
  }

  List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    settings.forEach((key, value) -> arguments.add("--" + key + "=" + value));
    if (wallClock != null) arguments.add("--wall-clock=" + wallClock.toEpochMilli());
    return arguments;
  }
}
