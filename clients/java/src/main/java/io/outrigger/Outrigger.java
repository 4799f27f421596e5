package io.outrigger;

import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Source;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/**
 * An application: declare its streams, then {@link #run} it, or {@link #start} it and go on.
 *
 * <p>It serves until it is stopped, and connects again, with back-off, whenever the sidecar goes away.
 * Logs go to the {@link System.Logger} of the name {@code io.outrigger}.
 */
public final class Outrigger implements AutoCloseable {
  /** How long {@link #close} waits for the records at hand. */
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(30);

  private final OutriggerBuilder options;
  private final TopologyBuilder topology;
  private final CompletableFuture<Void> terminated = new CompletableFuture<>();
  private Server server;
  private boolean isStopped;

  Outrigger(OutriggerBuilder options) {
    this.options = options;
    this.topology =
        new TopologyBuilder(SerdePair.of(options.defaultKeySerde, options.defaultValueSerde));
  }

  /**
   * Makes an application that takes everything from its environment.
   *
   * @return the application
   */
  public static Outrigger create() {
    return builder().build();
  }

  /**
   * Makes an application with settings of its own.
   *
   * @return the builder
   */
  public static OutriggerBuilder builder() {
    return new OutriggerBuilder();
  }

  /**
   * Reads a topic with the application's default serdes.
   *
   * @param <K> the key's type, which must be that of the default serde
   * @param <V> the value's type, which must be that of the default serde
   * @param topic the topic
   * @return its records
   */
  // As in Kafka Streams, the caller says what the default serdes are of.
  @SuppressWarnings("unchecked")
  public <K, V> KStream<K, V> stream(String topic) {
    var serdes = Consumed.with(options.defaultKeySerde, options.defaultValueSerde);
    return stream(List.of(topic), (Consumed<K, V>) serdes);
  }

  /**
   * Reads every topic whose whole name matches, with the application's default serdes.
   *
   * @param <K> the key's type, which must be that of the default serde
   * @param <V> the value's type, which must be that of the default serde
   * @param topicPattern the pattern, without flags
   * @return their records
   */
  @SuppressWarnings("unchecked")
  public <K, V> KStream<K, V> stream(Pattern topicPattern) {
    var serdes = Consumed.with(options.defaultKeySerde, options.defaultValueSerde);
    return stream(topicPattern, (Consumed<K, V>) serdes);
  }

  /**
   * Reads a topic.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param topic the topic
   * @param consumed how its records are read
   * @return its records
   */
  public <K, V> KStream<K, V> stream(String topic, Consumed<K, V> consumed) {
    return stream(List.of(topic), consumed);
  }

  /**
   * Reads several topics as one stream.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param topics the topics, at least one
   * @param consumed how their records are read
   * @return their records
   */
  public <K, V> KStream<K, V> stream(List<String> topics, Consumed<K, V> consumed) {
    return stream(Source.newBuilder().addAllTopics(topics), consumed);
  }

  /**
   * Reads every topic whose whole name matches, also those that are made while the application runs.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param topicPattern the pattern, without flags
   * @param consumed how their records are read
   * @return their records
   * @throws IllegalArgumentException where the pattern has flags
   */
  public <K, V> KStream<K, V> stream(Pattern topicPattern, Consumed<K, V> consumed) {
    if (topicPattern.flags() != 0) {
      throw new IllegalArgumentException("a pattern of topics takes no flags: leave them out");
    }
    return stream(Source.newBuilder().setPattern(topicPattern.pattern()), consumed);
  }

  private <K, V> KStream<K, V> stream(Source.Builder topics, Consumed<K, V> consumed) {
    SerdePair serdes = SerdePair.of(consumed.keySerde, consumed.valueSerde);
    Node.Builder source = Node.newBuilder().setSource(topics);
    String name = topology.add(consumed.name, source, List.of(), serdes).name;
    return KStreamNodes.of(topology, name, new StreamSerdes(serdes.key(), serdes.value()));
  }

  /**
   * Declares a hook: {@link ProcessorContext#afterCommit} in a processor has it run once the transaction
   * of the processor's record has committed, and never for a record that failed. It runs <b>at least
   * once</b> for each request, in the order of the records of a partition.
   *
   * @param <K> the key's type
   * @param <P> the payload's type
   * @param name the hook's name, the same after a restart
   * @param requests how its requests are written and read; a name in it is not looked at
   * @param handler your code
   * @return the hook, to ask for
   */
  public <K, P> Hook<P> afterCommit(
      String name, Consumed<K, P> requests, HookHandler<K, P> handler) {
    return topology.hooks.add(topology, name, requests, handler, null);
  }

  /**
   * The same with a failure policy.
   *
   * @param <K> the key's type
   * @param <P> the payload's type
   * @param name the hook's name, the same after a restart
   * @param requests how its requests are written and read; a name in it is not looked at
   * @param handler your code
   * @param policy what becomes of requests that the code fails on
   * @return the hook, to ask for
   */
  public <K, P> Hook<P> afterCommit(
      String name, Consumed<K, P> requests, HookHandler<K, P> handler, FailurePolicy policy) {
    Objects.requireNonNull(policy, "the failure policy is null");
    return topology.hooks.add(topology, name, requests, handler, policy);
  }

  /**
   * Serves until {@link #stop}, SIGTERM or SIGINT, then returns. Interrupting the thread stops as well.
   *
   * @throws OutriggerRejectedException where the sidecar refuses the application
   * @throws IllegalStateException where there is no address, or the application was started before
   */
  public void run() {
    try (var signals = new StopSignals(this::stop)) {
      start();
      boolean wasInterrupted = false;
      while (true) {
        try {
          awaitTermination();
          break;
        } catch (InterruptedException interrupt) {
          wasInterrupted = true;
          stop();
        }
      }
      if (wasInterrupted) Thread.currentThread().interrupt();
    }
  }

  /**
   * Starts to serve, on threads of its own, and returns at once.
   *
   * @throws IllegalStateException where there is no address, nothing can ask for a hook, or the
   *     application was started before
   */
  public synchronized void start() {
    if (server != null || isStopped) {
      throw new IllegalStateException(
          "the application was started, or stopped, before: make another one");
    }
    // What is wrong with it is said here, and not by a thread that connects.
    topology.build();
    server = new Server(options, topology, terminated);
    server.start();
  }

  /**
   * Stops gracefully, and returns at once: the records at hand are finished, what is in flight is handed
   * back. {@link #awaitTermination} tells when it is done.
   */
  public synchronized void stop() {
    isStopped = true;
    if (server == null) terminated.complete(null);
    else server.stop();
  }

  /**
   * Waits until the application has stopped.
   *
   * @throws OutriggerRejectedException where the sidecar has refused the application
   * @throws Error of a handler, such as OutOfMemoryError, which has ended the application
   * @throws InterruptedException where the thread is interrupted; the application goes on
   */
  public void awaitTermination() throws InterruptedException {
    try {
      terminated.get();
    } catch (ExecutionException error) {
      throw Failures.unchecked(error.getCause());
    }
  }

  /**
   * Waits until the application has stopped, for some time at most.
   *
   * @param timeout how long
   * @return whether it has
   * @throws OutriggerRejectedException where the sidecar has refused the application
   * @throws Error of a handler, such as OutOfMemoryError, which has ended the application
   * @throws InterruptedException where the thread is interrupted; the application goes on
   */
  public boolean awaitTermination(Duration timeout) throws InterruptedException {
    try {
      terminated.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException late) {
      return false;
    } catch (ExecutionException error) {
      throw Failures.unchecked(error.getCause());
    }
  }

  /**
   * Stops gracefully, and waits for it 30 seconds at most. Why the application has ended before is
   * {@link #awaitTermination}'s to say.
   */
  @Override
  public void close() {
    stop();
    try {
      terminated.handle((done, error) -> done).get(CLOSE_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException interrupt) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException late) {
      // The threads are daemons: what they still do has no effect.
    }
  }

  /** Starts at a test driver's address, whatever the builder was given. */
  void startAt(String address, String token) {
    options.address = address;
    options.token = token;
    start();
  }

  String applicationId() {
    return options.applicationId;
  }

  CompletableFuture<Void> terminated() {
    return terminated;
  }

  TopologyBuilder topology() {
    return topology;
  }
}
