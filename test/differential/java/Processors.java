import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.TimestampedKeyValueStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;

/** What `process` and `processValues` of a topology name: the handlers of functions.ts, in Java. */
final class Processors {
  /** Said by each record that enters an aggregate; see Topologies. */
  static final String ENTERED = "differential-entered-at";

  private Processors() {}

  static Processor<Object, Object, Object, Object> named(String name, String storeName) {
    return new ContextualProcessor<>() {
      @Override
      public void process(Record<Object, Object> record) {
        KeyValueStore<Object, Object> store =
            storeName == null ? null : context().getStateStore(storeName);
        for (Record<Object, Object> next : run(name, record, store)) context().forward(next);
      }
    };
  }

  static FixedKeyProcessor<Object, Object, Object> values(String name) {
    return new ContextualFixedKeyProcessor<>() {
      @Override
      public void process(FixedKeyRecord<Object, Object> record) {
        switch (name) {
          case "twice" -> {
            context().forward(record);
            context().forward(record.withValue(record.value() + "2"));
          }
          case "later" -> context().forward(record.withTimestamp(record.timestamp() + 1000));
          case "scattered" -> {
            Object value = record.value();
            long later = value == null ? 0 : ((String) value).length() % 4 * 150L;
            long earlier = Math.max(0, record.timestamp() - 200);
            context().forward(record.withTimestamp(record.timestamp() + later));
            context().forward(record.withValue(value + "2").withTimestamp(earlier));
          }
          default -> throw new IllegalArgumentException("there is no handler " + name);
        }
      }
    };
  }

  /** As `remember` of application.ts. */
  static Processor<Object, Object, Object, Object> remembering(String storeName) {
    return new ContextualProcessor<>() {
      @Override
      public void process(Record<Object, Object> record) {
        if (record.key() == null) return;
        TimestampedKeyValueStore<String, String> store = context().getStateStore(storeName);
        String key = (String) record.key();
        ValueAndTimestamp<String> before = store.get(key);
        store.put(key, ValueAndTimestamp.make((String) record.value(), record.timestamp()));
        StringBuilder said = new StringBuilder(before == null ? "none " : text(before));
        if (!key.isEmpty()) {
          String first = key.substring(0, key.offsetByCodePoints(0, 1));
          try (var found = store.prefixScan(first, new StringSerializer())) {
            while (found.hasNext()) {
              KeyValue<String, ValueAndTimestamp<String>> entry = found.next();
              said.append(entry.key).append(':').append(text(entry.value));
            }
          }
        }
        context().forward(record.withValue(said.toString()));
      }

      private String text(ValueAndTimestamp<String> entry) {
        return entry.value() + "@" + entry.timestamp() + " ";
      }
    };
  }

  /** Puts the record's time beside it, so that what follows can say which time caused it. */
  static FixedKeyProcessor<Object, Object, Object> stamp() {
    return new ContextualFixedKeyProcessor<>() {
      @Override
      public void process(FixedKeyRecord<Object, Object> record) {
        // Of several aggregates the first: what a sidecar forwards keeps that time.
        if (record.headers().lastHeader(ENTERED) != null) {
          context().forward(record);
          return;
        }
        FixedKeyRecord<Object, Object> next = record.withHeaders(record.headers());
        next.headers().add(ENTERED, String.valueOf(record.timestamp()).getBytes());
        context().forward(next);
      }
    };
  }

  private static List<Record<Object, Object>> run(
      String name, Record<Object, Object> record, KeyValueStore<Object, Object> store) {
    List<Record<Object, Object>> next = new ArrayList<>();
    Object key = record.key();
    Object value = record.value();
    switch (name) {
      case "countPerKey" -> {
        if (key == null) return next;
        Object before = store.get(key);
        String count = String.valueOf(before == null ? 1 : Integer.parseInt((String) before) + 1);
        store.put(key, count);
        next.add(record.withValue(count));
      }
      case "dedupe" -> {
        if (key == null) return next;
        Object before = store.get(key);
        if (before == null ? value == null : before.equals(value)) return next;
        store.put(key, value);
        next.add(record);
      }
      case "list" -> {
        if (key == null) return next;
        store.put(key, value);
        next.add(record.withValue(all(store.all())));
      }
      case "range" -> {
        if (key == null) return next;
        store.put(key, value);
        next.add(record.withValue(all(store.range("b", key))));
      }
      case "backwards" -> {
        if (key == null) return next;
        store.put(key, value);
        next.add(record.withValue(all(store.reverseAll())));
      }
      case "twice" -> {
        next.add(record);
        next.add(record.withKey(value).withValue(key));
      }
      case "stampAndHeader" -> {
        Headers headers = record.withHeaders(record.headers()).headers();
        headers.add("again", "é".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        headers.add("again", null);
        next.add(record.withTimestamp(record.timestamp() + 1000).withHeaders(headers));
      }
      default -> throw new IllegalArgumentException("there is no handler " + name);
    }
    return next;
  }

  private static String all(KeyValueIterator<Object, Object> found) {
    StringBuilder text = new StringBuilder();
    try (found) {
      while (found.hasNext()) {
        KeyValue<Object, Object> entry = found.next();
        text.append(entry.key).append(':').append(entry.value).append(' ');
      }
    }
    return text.toString();
  }
}
