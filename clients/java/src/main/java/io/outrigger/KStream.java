package io.outrigger;

import io.outrigger.gen.v1.Function;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Operation;
import io.outrigger.gen.v1.Sink;
import io.outrigger.gen.v1.StoreKind;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A stream of records. Declaring it runs nothing before {@link Outrigger#start}.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class KStream<K, V> {
  private final TopologyBuilder builder;
  private final String node;
  private final SerdePair serdes;

  KStream(TopologyBuilder builder, String node, SerdePair serdes) {
    this.builder = builder;
    this.node = node;
    this.serdes = serdes;
  }

  /**
   * Makes one record of each, with another key and value; timestamp and headers stay.
   *
   * @param <K2> the type of the new keys
   * @param <V2> the type of the new values
   * @param mapper makes the new key and value
   * @return the new records
   */
  public <K2, V2> KStream<K2, V2> map(
      KeyValueMapper<? super K, ? super V, ? extends KeyValue<K2, V2>> mapper) {
    return map(mapper, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <K2> the type of the new keys
   * @param <V2> the type of the new values
   * @param mapper makes the new key and value
   * @param named the node's name
   * @return the new records
   */
  public <K2, V2> KStream<K2, V2> map(
      KeyValueMapper<? super K, ? super V, ? extends KeyValue<K2, V2>> mapper, Named named) {
    KeyValueMapper<Object, Object, KeyValue<K2, V2>> code = untyped(mapper);
    return function(
        Operation.OPERATION_MAP,
        named,
        (record, emitter) -> {
          KeyValue<K2, V2> mapped = code.apply(record.key(), record.value());
          if (mapped == null) {
            throw new NullPointerException("map returned null: return a KeyValue, or use filter");
          }
          emitter.forward(record.followedBy(mapped.key(), mapped.value()));
        });
  }

  /**
   * Makes one record of each, with another value.
   *
   * @param <V2> the type of the new values
   * @param mapper makes the new value
   * @return the new records
   */
  public <V2> KStream<K, V2> mapValues(ValueMapper<? super V, ? extends V2> mapper) {
    return mapValues(mapper, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <V2> the type of the new values
   * @param mapper makes the new value
   * @param named the node's name
   * @return the new records
   */
  public <V2> KStream<K, V2> mapValues(ValueMapper<? super V, ? extends V2> mapper, Named named) {
    Objects.requireNonNull(mapper, "the function is null");
    return mapValues((key, value) -> mapper.apply(value), named);
  }

  /**
   * Makes one record of each, with another value.
   *
   * @param <V2> the type of the new values
   * @param mapper makes the new value
   * @return the new records
   */
  public <V2> KStream<K, V2> mapValues(
      ValueMapperWithKey<? super K, ? super V, ? extends V2> mapper) {
    return mapValues(mapper, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <V2> the type of the new values
   * @param mapper makes the new value
   * @param named the node's name
   * @return the new records
   */
  public <V2> KStream<K, V2> mapValues(
      ValueMapperWithKey<? super K, ? super V, ? extends V2> mapper, Named named) {
    ValueMapperWithKey<Object, Object, V2> code = untyped(mapper);
    return function(
        Operation.OPERATION_MAP_VALUES,
        named,
        (record, emitter) -> {
          Object mapped = code.apply(record.key(), record.value());
          emitter.forward(record.followedBy(record.key(), mapped));
        });
  }

  /**
   * Lets records go on, or not.
   *
   * @param predicate says which
   * @return those that go on
   */
  public KStream<K, V> filter(Predicate<? super K, ? super V> predicate) {
    return filter(predicate, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param predicate says which records go on
   * @param named the node's name
   * @return those that go on
   */
  public KStream<K, V> filter(Predicate<? super K, ? super V> predicate, Named named) {
    Predicate<Object, Object> code = untyped(predicate);
    return function(
        Operation.OPERATION_FILTER,
        named,
        (record, emitter) -> {
          if (code.test(record.key(), record.value())) emitter.forward(record);
        });
  }

  /**
   * Runs your code on each record. One processor serves all tasks, on several threads at once: keep
   * what must be remembered in stores.
   *
   * @param <K2> the type of the keys that it forwards
   * @param <V2> the type of the values that it forwards
   * @param processor your code
   * @param stores the stores that it reads and writes
   * @return what it forwards
   */
  public <K2, V2> KStream<K2, V2> process(
      Processor<? super K, ? super V, K2, V2> processor, KeyValueStoreDefinition<?, ?>... stores) {
    return process(processor, Named.BY_ORDER, stores);
  }

  /**
   * The same as a node of this name.
   *
   * @param <K2> the type of the keys that it forwards
   * @param <V2> the type of the values that it forwards
   * @param processor your code
   * @param named the node's name
   * @param stores the stores that it reads and writes
   * @return what it forwards
   */
  public <K2, V2> KStream<K2, V2> process(
      Processor<? super K, ? super V, K2, V2> processor,
      Named named,
      KeyValueStoreDefinition<?, ?>... stores) {
    NodeCode code = codeOf(processor);
    return process(() -> code, named, stores);
  }

  /**
   * Runs your code on each record, with a processor of its own for each task.
   *
   * @param <K2> the type of the keys that it forwards
   * @param <V2> the type of the values that it forwards
   * @param supplier makes processors
   * @param stores the stores that they read and write
   * @return what they forward
   */
  public <K2, V2> KStream<K2, V2> process(
      ProcessorSupplier<? super K, ? super V, K2, V2> supplier,
      KeyValueStoreDefinition<?, ?>... stores) {
    return process(supplier, Named.BY_ORDER, stores);
  }

  /**
   * The same as a node of this name.
   *
   * @param <K2> the type of the keys that it forwards
   * @param <V2> the type of the values that it forwards
   * @param supplier makes processors
   * @param named the node's name
   * @param stores the stores that they read and write
   * @return what they forward
   */
  public <K2, V2> KStream<K2, V2> process(
      ProcessorSupplier<? super K, ? super V, K2, V2> supplier,
      Named named,
      KeyValueStoreDefinition<?, ?>... stores) {
    Objects.requireNonNull(supplier, "supplier");
    return process(() -> codeOf(supplier.get()), named, stores);
  }

  /**
   * Groups by the key that the records have.
   *
   * @return the groups, to aggregate
   */
  public KGroupedStream<K, V> groupByKey() {
    return new KGroupedStream<>(builder, node, serdes);
  }

  /**
   * Writes a topic that must exist.
   *
   * @param topic the topic
   * @param produced how records are written
   */
  public void to(String topic, Produced<K, V> produced) {
    Objects.requireNonNull(topic, "the topic is null");
    Node.Builder sink = Node.newBuilder().setSink(Sink.newBuilder().setTopic(topic));
    builder.add(produced.name, sink, node, serdes).sink =
        SerdePair.of(produced.keySerde, produced.valueSerde);
  }

  /**
   * Writes a topic that must exist, with the application's default serdes.
   *
   * @param topic the topic
   */
  public void to(String topic) {
    Produced<?, ?> defaults = Produced.with(builder.defaults.key(), builder.defaults.value());
    to(topic, KStream.<Produced<K, V>>untyped(defaults));
  }

  private <K2, V2> KStream<K2, V2> process(
      Supplier<NodeCode> code, Named named, KeyValueStoreDefinition<?, ?>... stores) {
    List<String> names =
        Stream.of(stores).map(KeyValueStoreDefinition::name).distinct().toList();
    for (String store : names) builder.addStore(store, StoreKind.STORE_KIND_KEY_VALUE);
    return function(Operation.OPERATION_PROCESS, named, names, code);
  }

  private <K2, V2> KStream<K2, V2> function(Operation operation, Named named, NodeCode code) {
    return function(operation, named, List.of(), () -> code);
  }

  private <K2, V2> KStream<K2, V2> function(
      Operation operation, Named named, List<String> stores, Supplier<NodeCode> code) {
    Function.Builder function = Function.newBuilder().setOperation(operation).addAllStores(stores);
    if (named.failurePolicy != null) function.setFailurePolicy(named.failurePolicy.wire);
    TopologyNode added =
        builder.add(named.name, Node.newBuilder().setFunction(function), node, serdes);
    added.code = code;
    added.stores = Set.copyOf(stores);
    // What follows gets values, not bytes: only a stage's entry reads, and only a sink writes.
    return new KStream<>(builder, added.name, serdes);
  }

  private static NodeCode codeOf(Processor<?, ?, ?, ?> processor) {
    Processor<Object, Object, Object, Object> code = untyped(processor);
    return (record, emitter) -> {
      ProcessContext context = new ProcessContext(emitter, record);
      try {
        code.process(record, context);
      } finally {
        context.close();
      }
    };
  }

  // Within a stage records are objects; the builder's types have seen to it that they fit.
  @SuppressWarnings("unchecked")
  private static <T> T untyped(Object code) {
    return (T) Objects.requireNonNull(code, "the function is null");
  }
}
