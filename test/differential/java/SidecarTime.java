import java.lang.reflect.Field;
import java.lang.reflect.Method;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.internals.InternalProcessorContext;
import org.apache.kafka.streams.processor.internals.ProcessorNode;
import org.apache.kafka.streams.state.internals.WrappedStateStore;

/**
 * D-1 and D-2 of docs/differences.md, done to Kafka Streams: with them it must do what a sidecar does, to
 * the last record. What a windowed aggregate takes for its stream time is not to be had by its API.
 */
final class SidecarTime {
  /** Of a sub-topology: the greatest timestamp that came to it, and that before the last record. */
  static final class Clock {
    private long nowMs = -1;
    private long beforeMs = -1;
    private long records;

    /** Stands behind a source, and behind a repartition. */
    FixedKeyProcessor<Object, Object, Object> ticks() {
      return new ContextualFixedKeyProcessor<>() {
        @Override
        public void process(FixedKeyRecord<Object, Object> record) {
          records++;
          beforeMs = nowMs;
          nowMs = Math.max(nowMs, record.timestamp());
          context().forward(record);
        }
      };
    }

    /** D-2, in front of an aggregate: it sees this time; its store, which forgets, that before the record. */
    FixedKeyProcessor<Object, Object, Object> tells() {
      return new ContextualFixedKeyProcessor<>() {
        private long seen;

        @Override
        public void process(FixedKeyRecord<Object, Object> record) {
          InternalProcessorContext<?, ?> context = (InternalProcessorContext<?, ?>) context();
          for (ProcessorNode<?, ?, ?, ?> below : context.currentNode().children()) {
            advance(get(below, "processor"), nowMs);
            for (String store : below.stateStores) {
              advance(innermost(context, store), records == seen ? nowMs : beforeMs);
            }
          }
          seen = records;
          context().forward(record);
        }
      };
    }
  }

  private SidecarTime() {}

  /** D-1, behind an aggregate: the timestamp of the record that changed it. Sessions have their end's. */
  static FixedKeyProcessor<Object, Object, Object> restored() {
    return new ContextualFixedKeyProcessor<>() {
      @Override
      public void process(FixedKeyRecord<Object, Object> record) {
        Headers headers = record.withHeaders(record.headers()).headers();
        var entered = headers.lastHeader(Processors.ENTERED);
        if (entered == null) {
          context().forward(record);
          return;
        }
        headers.remove(Processors.ENTERED);
        long enteredAt = Long.parseLong(new String(entered.value()));
        context().forward(record.withTimestamp(enteredAt).withHeaders(headers));
      }
    };
  }

  /** Behind one that holds back: what comes out has a time of its own, whoever let it out. */
  static FixedKeyProcessor<Object, Object, Object> forgotten() {
    return new ContextualFixedKeyProcessor<>() {
      @Override
      public void process(FixedKeyRecord<Object, Object> record) {
        Headers headers = record.withHeaders(record.headers()).headers();
        headers.remove(Processors.ENTERED);
        context().forward(record.withHeaders(headers));
      }
    };
  }

  /** Whether a grouping of it goes through a topic. */
  static boolean isRekeyed(KStream<?, ?> stream) {
    return (boolean) get(stream, "repartitionRequired");
  }

  private static Object innermost(InternalProcessorContext<?, ?> context, String name) {
    try {
      Object manager = method(context, "stateManager").invoke(context);
      StateStore store = (StateStore) method(manager, "store", String.class).invoke(manager, name);
      while (store instanceof WrappedStateStore<?, ?, ?> wrapping) store = wrapping.wrapped();
      return store;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Of what has a stream time of its own: a store that keeps everything has none. */
  private static void advance(Object owner, long toMs) {
    Field field = fieldOf(owner, "observedStreamTime");
    if (field == null) return;
    try {
      field.setLong(owner, Math.max(field.getLong(owner), toMs));
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Object get(Object owner, String name) {
    try {
      return fieldOf(owner, name).get(owner);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Field fieldOf(Object owner, String name) {
    for (Class<?> type = owner.getClass(); type != null; type = type.getSuperclass()) {
      try {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        return field;
      } catch (NoSuchFieldException e) {
        // Perhaps the class above it has one.
      }
    }
    return null;
  }

  private static Method method(Object owner, String name, Class<?>... parameters)
      throws NoSuchMethodException {
    for (Class<?> type = owner.getClass(); type != null; type = type.getSuperclass()) {
      try {
        Method found = type.getDeclaredMethod(name, parameters);
        found.setAccessible(true);
        return found;
      } catch (NoSuchMethodException e) {
        // Perhaps the class above it has one.
      }
    }
    throw new NoSuchMethodException(name);
  }
}
