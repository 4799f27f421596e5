package io.outrigger.conformance;

import io.outrigger.KStream;
import io.outrigger.KeyValueIterator;
import io.outrigger.Named;
import io.outrigger.Outrigger;
import io.outrigger.ProcessorContext;
import io.outrigger.Produced;
import io.outrigger.Record;
import io.outrigger.Serdes;
import io.outrigger.Stores;
import io.outrigger.TimestampedKeyValueStore;
import io.outrigger.TimestampedKeyValueStoreDefinition;
import io.outrigger.ValueAndTimestamp;
import java.time.Duration;
import java.util.List;
import java.util.StringJoiner;

/** The topologies of timestamped stores and of topics that are chosen. */
final class Timestamps {
  private static final TimestampedKeyValueStoreDefinition<String, String> SEEN =
      Stores.timestampedKeyValueStore("seen", Serdes.utf8(), Serdes.utf8())
          .withTtl(Duration.ofMinutes(1));

  private static final Produced<String, String> TEXTS =
      Produced.with(Conformance.TEXT, Conformance.TEXT);

  private Timestamps() {}

  static void timestamped(Outrigger app) {
    KStream<String, String> remembered =
        Conformance.commands(app).process(Timestamps::remember, Named.as("remember"), SEEN);
    remembered.to("results", TEXTS.withName("results"));
  }

  private static void remember(
      Record<String, String> record, ProcessorContext<String, String> context) {
    TimestampedKeyValueStore<String, String> store = context.getStateStore(SEEN);
    String value = record.value();
    String[] order = value == null ? new String[0] : value.split(":", 2);
    if (order.length == 2 && order[0].equals("prefix")) {
      context.forward(record.key(), listed(store.prefixScan(order[1], Serdes.utf8())));
      return;
    }
    if (order.length == 2 && order[0].equals("reverse")) {
      context.forward(record.key(), listed(store.reversePrefixScan(order[1], Serdes.utf8())));
      return;
    }
    ValueAndTimestamp<String> before = store.get(record.key());
    if (value == null) store.delete(record.key());
    else if (value.equals("fixed")) store.put(record.key(), new ValueAndTimestamp<>(value, 5));
    else store.putValue(record.key(), value);
    context.forward(record.key(), before == null ? "none" : text(before));
  }

  private static String listed(KeyValueIterator<String, ValueAndTimestamp<String>> entries) {
    StringJoiner found = new StringJoiner(",");
    try (entries) {
      entries.forEachRemaining(entry -> found.add(entry.key() + "=" + text(entry.value())));
    }
    return found.toString();
  }

  private static String text(ValueAndTimestamp<String> entry) {
    return entry.value() + "@" + entry.timestamp();
  }

  static void chosen(Outrigger app) {
    Conformance.commands(app)
        .to(
            (key, value, record) -> value == null ? "" : value,
            List.of("results", "others"),
            TEXTS.withName("choose"));
  }
}
