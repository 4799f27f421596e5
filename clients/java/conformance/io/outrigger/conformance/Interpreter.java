package io.outrigger.conformance;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.outrigger.DeadLetterException;
import io.outrigger.Header;
import io.outrigger.Hook;
import io.outrigger.KeyValue;
import io.outrigger.KeyValueIterator;
import io.outrigger.KeyValueStore;
import io.outrigger.KeyValueStoreDefinition;
import io.outrigger.ParkException;
import io.outrigger.ProcessorContext;
import io.outrigger.Record;
import io.outrigger.RetryLaterException;
import io.outrigger.Serdes;
import io.outrigger.StopTaskException;
import io.outrigger.Stores;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Carries out the actions of one record. */
final class Interpreter {
  static final KeyValueStoreDefinition<String, String> STATE =
      Stores.keyValueStore("state", Serdes.utf8(), Serdes.utf8());

  /** In the topology that has one. */
  static Hook<String> receipt;

  private static final int CRASH_EXIT_CODE = 42;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Record<String, Action[]> command;
  private final ProcessorContext<String, String> context;
  private final KeyValueStore<String, String> store;
  private final List<Object> notes = new ArrayList<>();

  private Interpreter(
      Record<String, Action[]> command, ProcessorContext<String, String> context) {
    this.command = command;
    this.context = context;
    this.store = context.getStateStore(STATE);
  }

  static void process(Record<String, Action[]> command, ProcessorContext<String, String> context)
      throws Exception {
    if (command.value() == null) {
      context.forward(command.key(), null);
      return;
    }
    Interpreter interpreter = new Interpreter(command, context);
    for (Action action : command.value()) {
      if (action.unless() != null) {
        Path marker = Path.of(action.unless());
        if (Files.exists(marker)) continue;
        Files.createFile(marker);
      }
      interpreter.act(action);
    }
    if (!interpreter.notes.isEmpty()) {
      context.forward(command.key(), JSON.writeValueAsString(interpreter.notes));
    }
  }

  private void act(Action action) throws Exception {
    switch (action.verb()) {
      case "get" -> notes.add(store.get(action.key()));
      case "put" -> store.put(action.key(), action.value());
      case "delete" -> store.delete(action.key());
      case "range" -> notes.add(range(action));
      case "forward" -> forward(action);
      case "afterCommit" -> context.afterCommit(receipt, action.value());
      case "describe" -> notes.add(description());
      case "trace" -> notes.add(currentTraceparent());
      case "wait" -> Thread.sleep(action.ms());
      case "fail" -> throw failure(action);
      case "crash" -> Runtime.getRuntime().halt(CRASH_EXIT_CODE);
      default ->
          throw new IllegalArgumentException("there is no action \"" + action.verb() + "\"");
    }
  }

  private static RuntimeException failure(Action action) {
    String message = action.message();
    return switch (action.verdict() == null ? "" : action.verdict()) {
      case "retry" ->
          new RetryLaterException(
              message, action.afterMs() == null ? null : Duration.ofMillis(action.afterMs()));
      case "deadLetter" -> new DeadLetterException(message);
      case "park" -> new ParkException(message);
      case "stop" -> new StopTaskException(message);
      default -> new IllegalStateException(message);
    };
  }

  private List<List<String>> range(Action action) {
    List<List<String>> found = new ArrayList<>();
    try (KeyValueIterator<String, String> entries =
        action.reverse()
            ? store.reverseRange(action.from(), action.to())
            : store.range(action.from(), action.to())) {
      while (entries.hasNext()) {
        KeyValue<String, String> entry = entries.next();
        found.add(List.of(entry.key(), entry.value()));
      }
    }
    return found;
  }

  private void forward(Action action) {
    Record<String, String> next = command.withKey(action.key()).withValue(action.value());
    if (action.timestamp() != null) next = next.withTimestamp(action.timestamp());
    if (action.headers() != null) {
      next =
          next.withHeaders(
              Arrays.stream(action.headers()).map(pair -> Header.of(pair[0], pair[1])).toList());
    }
    context.forward(next);
  }

  private Map<String, Object> description() {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("topic", command.topic());
    description.put("partition", command.partition());
    description.put("offset", command.offset());
    description.put("timestamp", command.timestamp());
    description.put("key", command.key());
    description.put("idempotencyKey", command.idempotencyKey());
    description.put(
        "headers",
        command.headers().stream().map(h -> Arrays.asList(h.key(), h.text())).toList());
    return description;
  }

  private static String currentTraceparent() {
    Map<String, String> carried = new HashMap<>();
    W3CTraceContextPropagator.getInstance().inject(Context.current(), carried, Map::put);
    return carried.get("traceparent");
  }
}
