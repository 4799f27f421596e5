package io.outrigger;

import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Trace context through records, by OpenTelemetry's global propagator: with none configured, which is
 * its default, there is no object of this class, and headers travel as they are.
 */
final class Tracing {
  private static final TextMapGetter<List<Header>> GETTER =
      new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(List<Header> headers) {
          return headers.stream().map(Header::key).toList();
        }

        @Override
        public String get(List<Header> headers, String key) {
          for (int index = headers.size() - 1; index >= 0; index--) {
            Header header = headers.get(index);
            if (header.key().equalsIgnoreCase(key)) return header.text();
          }
          return null;
        }
      };

  private final TextMapPropagator propagator;

  private Tracing(TextMapPropagator propagator) {
    this.propagator = propagator;
  }

  /** Null where no propagator is configured. */
  static Tracing current() {
    // Not `get()`: it would settle on "none" for good where the application configures one later.
    TextMapPropagator propagator =
        GlobalOpenTelemetry.getOrNoop().getPropagators().getTextMapPropagator();
    return propagator.fields().isEmpty() ? null : new Tracing(propagator);
  }

  /** Makes the context that the headers carry the thread's, until the scope is closed. */
  Scope inContextOf(List<Header> headers) {
    return propagator.extract(Context.root(), headers, GETTER).makeCurrent();
  }

  /** The headers with the current context in them; the same list where it is in them already. */
  List<Header> withContext(List<Header> headers) {
    Map<String, String> carried = new LinkedHashMap<>();
    propagator.inject(Context.current(), carried, (map, key, value) -> map.put(key, value));
    carried.entrySet().removeIf(e -> e.getValue().equals(GETTER.get(headers, e.getKey())));
    if (carried.isEmpty()) return headers;
    List<Header> changed = new ArrayList<>(headers);
    Map<String, String> byLowerCase = new LinkedHashMap<>();
    carried.forEach((key, value) -> byLowerCase.put(key.toLowerCase(Locale.ROOT), value));
    changed.removeIf(header -> byLowerCase.containsKey(header.key().toLowerCase(Locale.ROOT)));
    carried.forEach((key, value) -> changed.add(Header.of(key, value)));
    return changed;
  }
}
