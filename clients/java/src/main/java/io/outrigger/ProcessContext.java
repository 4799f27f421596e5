package io.outrigger;


/** One record's context; of no use once its record is done. */
final class ProcessContext implements ProcessorContext<Object, Object>, AutoCloseable {
  private final Emitter emitter;
  private final Record<Object, Object> record;
  private boolean isOpen = true;

  ProcessContext(Emitter emitter, Record<Object, Object> record) {
    this.emitter = emitter;
    this.record = record;
  }

  @Override
  public void forward(Record<Object, Object> next) {
    mustBeOpen("forward");
    try {
      emitter.forward(record.followedBy(next));
    } catch (Throwable error) {
      // Even where the handler catches it: a record is one unit, and half of what its forward should
      // have done is done.
      throw emitter.run.failed(error);
    }
  }

  @Override
  public void forward(Object key, Object value) {
    forward(record.followedBy(key, value));
  }

  @Override
  public <P> void afterCommit(Hook<P> hook, P payload) {
    mustBeOpen("afterCommit");
    try {
      emitter.request(hook.name, record.followedBy(record.key(), payload));
    } catch (Throwable error) {
      // Even where the handler catches it, as a forward's.
      throw emitter.run.failed(error);
    }
  }

  @Override
  public Timers timers() {
    return new Timers() {
      @Override
      public void set(String name, long time, TimerClock clock) {
        change(name, clock, BatchTimers.time(time));
      }

      @Override
      public void delete(String name, TimerClock clock) {
        change(name, clock, BatchTimers.CANCELLED);
      }
    };
  }

  private void change(String name, TimerClock clock, long time) {
    mustBeOpen("timer \"" + name + "\"");
    if (!emitter.node.hasTimers) {
      throw new IllegalStateException(
          "\"" + emitter.node.name + "\" sets a timer, and nothing takes it: make it a TimedProcessor, "
              + "and what supplies it a TimedProcessorSupplier");
    }
    byte[] key = emitter.node.input.key().serialize(record.key());
    emitter.run.timers.of(emitter.node.name).change(key, name, clock, time);
  }

  @Override
  public <K, V> KeyValueStore<K, V> getStateStore(KeyValueStoreDefinition<K, V> definition) {
    return new TypedStore<>(definition, stateOf(definition), this);
  }

  @Override
  public <K, V> TimestampedKeyValueStore<K, V> getStateStore(
      TimestampedKeyValueStoreDefinition<K, V> definition) {
    return new TimestampedStore<>(definition, stateOf(definition), this, record.timestamp());
  }

  private BatchState stateOf(StoreDefinition definition) {
    if (!emitter.node.stores.contains(definition.name())) {
      throw new IllegalArgumentException(
          "the store \"" + definition.name() + "\" was not given to this processor: name it in process");
    }
    return emitter.run.state(definition.name());
  }

  /** Remembers what went wrong, even where the handler catches it, as a forward's. */
  RuntimeException failed(Throwable error) {
    return emitter.run.failed(error);
  }

  @Override
  public boolean isRevoked() {
    return emitter.run.control().isTaken();
  }

  @Override
  public void onRevoked(Runnable action) {
    mustBeOpen("onRevoked");
    emitter.run.control().onTaken(action);
  }

  @Override
  public void close() {
    isOpen = false;
  }

  void mustBeOpen(String what) {
    if (isOpen) return;
    throw new IllegalStateException(
        what + " came after the record was done: wait in the handler for what it starts");
  }

  /** The bytes of a store's key, as its serde gave them. */
  <K> byte[] keyBytes(String store, Serde<K> serde, K key) {
    mustBeOpen("the store \"" + store + "\"");
    byte[] bytes = key == null ? null : serde.serialize(key);
    if (bytes != null) return bytes;
    throw new NullPointerException("the store \"" + store + "\" has no null keys");
  }
}
