package io.outrigger;

import java.util.Objects;

/** One record's context, of a processor that leaves the key as it is. */
final class FixedKeyContext implements FixedKeyProcessorContext<Object, Object> {
  private final ProcessContext context;
  private final Record<Object, Object> record;

  private FixedKeyContext(ProcessContext context, Record<Object, Object> record) {
    this.context = context;
    this.record = record;
  }

  // The builder's types have seen to it that the processor takes what reaches it.
  @SuppressWarnings("unchecked")
  static NodeCode codeOf(FixedKeyProcessor<?, ?, ?> processor) {
    FixedKeyProcessor<Object, Object, Object> code =
        (FixedKeyProcessor<Object, Object, Object>)
            Objects.requireNonNull(processor, "the function is null");
    return new NodeCode() {
      @Override
      public void run(Record<Object, Object> record, Emitter emitter) throws Exception {
        try (ProcessContext context = new ProcessContext(emitter, record)) {
          code.process(new FixedKeyRecord<>(record), new FixedKeyContext(context, record));
        }
      }

      @Override
      public void fire(Record<Object, Object> record, Firing firing, Emitter emitter)
          throws Exception {
        if (!(code instanceof TimedFixedKeyProcessor<Object, Object, Object> timed)) return;
        try (ProcessContext context = new ProcessContext(emitter, record)) {
          FixedKeyContext fixed = new FixedKeyContext(context, record);
          timed.onTimer(firing.timer(record), new FixedKeyRecord<>(record), fixed);
        }
      }
    };
  }

  @Override
  public void forward(FixedKeyRecord<Object, Object> next) {
    if (next.key() != record.key()) {
      throw context.failed(
          new IllegalArgumentException(
              "processValues keeps the key, and a record of another was forwarded: take process"));
    }
    context.forward(next.record);
  }

  @Override
  public <K, V> KeyValueStore<K, V> getStateStore(KeyValueStoreDefinition<K, V> definition) {
    return context.getStateStore(definition);
  }

  @Override
  public <K, V> TimestampedKeyValueStore<K, V> getStateStore(
      TimestampedKeyValueStoreDefinition<K, V> definition) {
    return context.getStateStore(definition);
  }

  @Override
  public Timers timers() {
    return context.timers();
  }

  @Override
  public boolean isRevoked() {
    return context.isRevoked();
  }

  @Override
  public void onRevoked(Runnable action) {
    context.onRevoked(action);
  }
}
