package io.outrigger;

/**
 * A stream of records. Declaring it runs nothing before {@link Outrigger#start}.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public sealed interface KStream<K, V> extends KStreamSinks<K, V> permits KStreamNodes {
  /**
   * Makes one record of each, with another key and value; timestamp and headers stay.
   *
   * @param <K2> the type of the new keys
   * @param <V2> the type of the new values
   * @param mapper makes the new key and value
   * @return the new records
   */
  default <K2, V2> KStream<K2, V2> map(
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
  <K2, V2> KStream<K2, V2> map(
      KeyValueMapper<? super K, ? super V, ? extends KeyValue<K2, V2>> mapper, Named named);

  /**
   * Gives each record another key. What is grouped below it goes through a topic of the sidecar's, so
   * that all records of a key meet.
   *
   * @param <K2> the type of the new keys
   * @param mapper makes the new key
   * @return the records under their new keys
   */
  default <K2> KStream<K2, V> selectKey(
      KeyValueMapper<? super K, ? super V, ? extends K2> mapper) {
    return selectKey(mapper, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <K2> the type of the new keys
   * @param mapper makes the new key
   * @param named the node's name
   * @return the records under their new keys
   */
  <K2> KStream<K2, V> selectKey(
      KeyValueMapper<? super K, ? super V, ? extends K2> mapper, Named named);

  /**
   * Makes one record of each, with another value.
   *
   * @param <V2> the type of the new values
   * @param mapper makes it of the value
   * @return the new records
   */
  default <V2> KStream<K, V2> mapValues(ValueMapper<? super V, ? extends V2> mapper) {
    return mapValues(mapper, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <V2> the type of the new values
   * @param mapper makes it of the value
   * @param named the node's name
   * @return the new records
   */
  default <V2> KStream<K, V2> mapValues(ValueMapper<? super V, ? extends V2> mapper, Named named) {
    if (mapper == null) throw new NullPointerException("the function is null");
    ValueMapperWithKey<K, V, ? extends V2> withKey = (key, value) -> mapper.apply(value);
    return mapValues(withKey, named);
  }

  /**
   * Makes one record of each, with another value.
   *
   * @param <V2> the type of the new values
   * @param mapper makes it of the key and the value
   * @return the new records
   */
  default <V2> KStream<K, V2> mapValues(
      ValueMapperWithKey<? super K, ? super V, ? extends V2> mapper) {
    return mapValues(mapper, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <V2> the type of the new values
   * @param mapper makes it of the key and the value
   * @param named the node's name
   * @return the new records
   */
  <V2> KStream<K, V2> mapValues(
      ValueMapperWithKey<? super K, ? super V, ? extends V2> mapper, Named named);

  /**
   * Makes any number of records of each, key and value.
   *
   * @param <K2> the type of the new keys
   * @param <V2> the type of the new values
   * @param mapper makes them
   * @return the new records, in the order of the iteration
   */
  default <K2, V2> KStream<K2, V2> flatMap(
      KeyValueMapper<
              ? super K, ? super V, ? extends Iterable<? extends KeyValue<? extends K2, ? extends V2>>>
          mapper) {
    return flatMap(mapper, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <K2> the type of the new keys
   * @param <V2> the type of the new values
   * @param mapper makes them
   * @param named the node's name
   * @return the new records, in the order of the iteration
   */
  <K2, V2> KStream<K2, V2> flatMap(
      KeyValueMapper<
              ? super K, ? super V, ? extends Iterable<? extends KeyValue<? extends K2, ? extends V2>>>
          mapper, Named named);

  /**
   * Makes any number of records of each; the key stays.
   *
   * @param <V2> the type of the new values
   * @param mapper makes it of the value
   * @return the new records, in the order of the iteration
   */
  default <V2> KStream<K, V2> flatMapValues(
      ValueMapper<? super V, ? extends Iterable<? extends V2>> mapper) {
    return flatMapValues(mapper, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <V2> the type of the new values
   * @param mapper makes it of the value
   * @param named the node's name
   * @return the new records, in the order of the iteration
   */
  default <V2> KStream<K, V2> flatMapValues(
      ValueMapper<? super V, ? extends Iterable<? extends V2>> mapper, Named named) {
    if (mapper == null) throw new NullPointerException("the function is null");
    ValueMapperWithKey<K, V, ? extends Iterable<? extends V2>> withKey = (key, value) -> mapper.apply(value);
    return flatMapValues(withKey, named);
  }

  /**
   * Makes any number of records of each; the key stays.
   *
   * @param <V2> the type of the new values
   * @param mapper makes it of the key and the value
   * @return the new records, in the order of the iteration
   */
  default <V2> KStream<K, V2> flatMapValues(
      ValueMapperWithKey<? super K, ? super V, ? extends Iterable<? extends V2>> mapper) {
    return flatMapValues(mapper, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <V2> the type of the new values
   * @param mapper makes it of the key and the value
   * @param named the node's name
   * @return the new records, in the order of the iteration
   */
  <V2> KStream<K, V2> flatMapValues(
      ValueMapperWithKey<? super K, ? super V, ? extends Iterable<? extends V2>> mapper, Named named);

  /**
   * Lets records go on, or not.
   *
   * @param predicate says which go on
   * @return those that go on
   */
  default KStream<K, V> filter(Predicate<? super K, ? super V> predicate) {
    return filter(predicate, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param predicate says which go on
   * @param named the node's name
   * @return those that go on
   */
  KStream<K, V> filter(Predicate<? super K, ? super V> predicate, Named named);

  /**
   * Lets records go on, or not.
   *
   * @param predicate says which do not go on
   * @return those that go on
   */
  default KStream<K, V> filterNot(Predicate<? super K, ? super V> predicate) {
    return filterNot(predicate, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param predicate says which do not go on
   * @param named the node's name
   * @return those that go on
   */
  KStream<K, V> filterNot(Predicate<? super K, ? super V> predicate, Named named);

  /**
   * Shows each record to your code, and lets it go on as it is. What the code does outside Kafka happens
   * at least once.
   *
   * @param action sees each record
   * @return the same records
   */
  default KStream<K, V> peek(ForeachAction<? super K, ? super V> action) {
    return peek(action, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param action sees each record
   * @param named the node's name
   * @return the same records
   */
  KStream<K, V> peek(ForeachAction<? super K, ? super V> action, Named named);

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
  default <K2, V2> KStream<K2, V2> process(
      Processor<? super K, ? super V, K2, V2> processor, StoreDefinition... stores) {
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
  <K2, V2> KStream<K2, V2> process(
      Processor<? super K, ? super V, K2, V2> processor,
      Named named,
      StoreDefinition... stores);

  /**
   * Runs your code on each record, with a processor of its own for each task.
   *
   * @param <K2> the type of the keys that it forwards
   * @param <V2> the type of the values that it forwards
   * @param supplier makes processors
   * @param stores the stores that it reads and writes
   * @return what it forwards
   */
  default <K2, V2> KStream<K2, V2> process(
      ProcessorSupplier<? super K, ? super V, K2, V2> supplier, StoreDefinition... stores) {
    return process(supplier, Named.BY_ORDER, stores);
  }

  /**
   * The same as a node of this name.
   *
   * @param <K2> the type of the keys that it forwards
   * @param <V2> the type of the values that it forwards
   * @param supplier makes processors
   * @param named the node's name
   * @param stores the stores that it reads and writes
   * @return what it forwards
   */
  <K2, V2> KStream<K2, V2> process(
      ProcessorSupplier<? super K, ? super V, K2, V2> supplier,
      Named named,
      StoreDefinition... stores);

  /**
   * {@code process} for code that leaves the key as it is, so that what is grouped below it need not be
   * repartitioned.
   *
   * @param <V2> the type of the values that it forwards
   * @param processor your code
   * @param stores the stores that it reads and writes
   * @return what it forwards
   */
  default <V2> KStream<K, V2> processValues(
      FixedKeyProcessor<? super K, ? super V, V2> processor, StoreDefinition... stores) {
    return processValues(processor, Named.BY_ORDER, stores);
  }

  /**
   * The same as a node of this name.
   *
   * @param <V2> the type of the values that it forwards
   * @param processor your code
   * @param named the node's name
   * @param stores the stores that it reads and writes
   * @return what it forwards
   */
  <V2> KStream<K, V2> processValues(
      FixedKeyProcessor<? super K, ? super V, V2> processor,
      Named named,
      StoreDefinition... stores);

  /**
   * The same with a processor of its own for each task.
   *
   * @param <V2> the type of the values that it forwards
   * @param supplier makes processors
   * @param stores the stores that it reads and writes
   * @return what it forwards
   */
  default <V2> KStream<K, V2> processValues(
      FixedKeyProcessorSupplier<? super K, ? super V, V2> supplier, StoreDefinition... stores) {
    return processValues(supplier, Named.BY_ORDER, stores);
  }

  /**
   * The same as a node of this name.
   *
   * @param <V2> the type of the values that it forwards
   * @param supplier makes processors
   * @param named the node's name
   * @param stores the stores that it reads and writes
   * @return what it forwards
   */
  <V2> KStream<K, V2> processValues(
      FixedKeyProcessorSupplier<? super K, ? super V, V2> supplier,
      Named named,
      StoreDefinition... stores);

  /**
   * Begins to part the stream: each record goes to the first branch whose predicate holds.
   *
   * @return the branches to be declared
   */
  default BranchedKStream<K, V> split() {
    return split(Named.BY_ORDER);
  }

  /**
   * The same as a node of this name; those of its branches begin with it.
   *
   * @param named the node's name
   * @return the branches to be declared
   */
  BranchedKStream<K, V> split(Named named);

  /**
   * The records of both streams, each as it comes: between the two there is no order.
   *
   * @param stream another stream of this application; where both were read, with the same serdes
   * @return the records of both
   * @throws IllegalArgumentException where their serdes differ, or a node would be in it twice
   */
  KStream<K, V> merge(KStream<K, V> stream);

  /**
   * Holds the results of an aggregate back until they are final, or for a time: right behind the aggregate.
   *
   * @param suppressed how long, and how much at most
   * @return what is let go
   */
  default KStream<K, V> suppress(Suppressed suppressed) {
    return suppress(suppressed, Named.BY_ORDER);
  }

  /**
   * The same as a node of this name. What is held back is in a store of the node, {@code <name>-store}.
   *
   * @param suppressed how long, and how much at most
   * @param named the node's name
   * @return what is let go
   */
  KStream<K, V> suppress(Suppressed suppressed, Named named);

  /**
   * Gives each record to the task that its key belongs to, by way of a topic of the sidecar's.
   *
   * @return the same records
   */
  default KStream<K, V> repartition() {
    return repartition(Repartitioned.byOrder());
  }

  /**
   * The same with a name, serdes or a number of partitions.
   *
   * @param repartitioned what the topic is called, and how it is written
   * @return the same records
   */
  KStream<K, V> repartition(Repartitioned<K, V> repartitioned);

  /**
   * Groups by the key that the records have. Where code above may have changed it, they go through a
   * topic of the sidecar's, so that all records of a key meet.
   *
   * @return the groups, to aggregate
   */
  default KGroupedStream<K, V> groupByKey() {
    return groupByKey(Grouped.byDefault());
  }

  /**
   * The same with serdes, or a name.
   *
   * @param grouped how records are written that come from your code, and what their topic is called
   * @return the groups, to aggregate
   */
  KGroupedStream<K, V> groupByKey(Grouped<K, V> grouped);

  /**
   * Groups by another key: {@code selectKey}, then {@code groupByKey}.
   *
   * @param <K2> the type of the new keys
   * @param selector makes the new key
   * @return the groups, to aggregate
   */
  default <K2> KGroupedStream<K2, V> groupBy(
      KeyValueMapper<? super K, ? super V, ? extends K2> selector) {
    return groupBy(selector, Grouped.byDefault());
  }

  /**
   * The same with serdes, or a name, which is the node's too.
   *
   * @param <K2> the type of the new keys
   * @param selector makes the new key
   * @param grouped how records are written, and what their topic is called
   * @return the groups, to aggregate
   */
  <K2> KGroupedStream<K2, V> groupBy(
      KeyValueMapper<? super K, ? super V, ? extends K2> selector, Grouped<K2, V> grouped);
}
