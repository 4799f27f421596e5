package io.outrigger;

import io.outrigger.gen.v1.Aggregate;
import io.outrigger.gen.v1.Aggregator;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.StoreKind;
import java.util.List;
import java.util.Objects;

/**
 * Declares aggregates of a grouping.
 *
 * @param serdes how records are written that come from code of the application
 * @param repartition the grouping's name; null takes the store's
 * @param windows null without windows
 * @param emit null where each update is forwarded
 */
record Aggregation(
    TopologyBuilder builder,
    List<String> parents,
    StreamSerdes serdes,
    String repartition,
    Windowing windows,
    EmitStrategy emit) {

  Aggregation by(Windowing chosen) {
    return new Aggregation(builder, parents, serdes, repartition, chosen, emit);
  }

  Aggregation emitting(EmitStrategy chosen) {
    return new Aggregation(builder, parents, serdes, repartition, windows, chosen);
  }

  <K, VR> KStream<K, VR> aggregate(
      Initializer<VR> initializer,
      io.outrigger.Aggregator<?, ?, VR> aggregator,
      Merger<?, VR> merger,
      Named named,
      Materialized<VR> materialized) {
    if (materialized.valueSerde == null) {
      throw new IllegalArgumentException(
          "the aggregate \"" + materialized.storeName + "\" has no serde: add withValueSerde(...)");
    }
    Objects.requireNonNull(initializer, "initializer");
    Objects.requireNonNull(aggregator, "aggregator");
    Fold fold = Fold.aggregating(materialized.valueSerde, initializer, aggregator, merger);
    return folded("aggregate", fold, named, materialized);
  }

  <K, V> KStream<K, V> reduce(Reducer<V> reducer, Named named, Materialized<?> materialized) {
    Objects.requireNonNull(reducer, "reducer");
    Serde<?> serde =
        materialized.valueSerde == null ? serdes.value() : materialized.valueSerde;
    boolean merges = windows != null && windows.kind() == Windowing.Kind.SESSION;
    return folded("reduce", Fold.reducing(serde, reducer, merges), named, materialized);
  }

  <K> KStream<K, Long> count(Named named, Materialized<?> materialized) {
    var count = Aggregate.newBuilder().setAggregator(Aggregator.AGGREGATOR_COUNT);
    return builtIn("count", count, Serdes.Long(), named, materialized);
  }

  <K, N extends Number> KStream<K, N> sum(
      NumberType<N> number, Named named, Materialized<?> materialized) {
    return number("sum", Aggregator.AGGREGATOR_SUM, number, named, materialized);
  }

  <K, N extends Number> KStream<K, N> min(
      NumberType<N> number, Named named, Materialized<?> materialized) {
    return number("min", Aggregator.AGGREGATOR_MIN, number, named, materialized);
  }

  <K, N extends Number> KStream<K, N> max(
      NumberType<N> number, Named named, Materialized<?> materialized) {
    return number("max", Aggregator.AGGREGATOR_MAX, number, named, materialized);
  }

  private <K, N extends Number> KStream<K, N> number(
      String what,
      Aggregator aggregator,
      NumberType<N> number,
      Named named,
      Materialized<?> materialized) {
    var aggregate = Aggregate.newBuilder().setAggregator(aggregator).setNumber(number.wire);
    return builtIn(what, aggregate, number.serde, named, materialized);
  }

  private <K, VR> KStream<K, VR> folded(
      String what, Fold fold, Named named, Materialized<?> materialized) {
    var aggregate = Aggregate.newBuilder().setAggregator(Aggregator.AGGREGATOR_APPLICATION);
    if (named.failurePolicy != null) aggregate.setFailurePolicy(named.failurePolicy.wire);
    TopologyNode node = add(what, aggregate, named, materialized);
    String store = aggregate.getStore();
    Fold placed = fold.at(store, windows);
    NodeCode code = (record, emitter) -> emitter.fold(record, placed);
    node.aggregates = store;
    node.code = () -> code;
    return result(node, fold.serde());
  }

  private <K, VR> KStream<K, VR> builtIn(
      String what,
      Aggregate.Builder aggregate,
      Serde<?> value,
      Named named,
      Materialized<?> materialized) {
    if (named.failurePolicy != null) {
      throw new IllegalArgumentException(
          "a " + what + " runs in the sidecar, and none of your code with it: leave its failure policy out");
    }
    TopologyNode node = add(what, aggregate, named, materialized);
    // A session that is merged into another one comes as null.
    boolean isNullable = windows != null && windows.kind() == Windowing.Kind.SESSION;
    return result(node, isNullable ? Serdes.nullable(value) : value);
  }

  private <K, VR> KStream<K, VR> result(TopologyNode node, Serde<?> value) {
    Serde<?> key = windows == null ? serdes.key() : windows.keySerde(serdes.key());
    return KStreamNodes.of(builder, node.name, new StreamSerdes(key, value));
  }

  private TopologyNode add(
      String what, Aggregate.Builder aggregate, Named named, Materialized<?> materialized) {
    String store = builder.storeName(materialized.storeName, what);
    aggregate.setStore(store);
    if (repartition != null) aggregate.setRepartition(repartition);
    if (emit != null) aggregate.setEmit(emit.wire);
    if (windows != null) windows.declared().accept(aggregate);
    builder.addStore(
        store, windows == null ? StoreKind.STORE_KIND_KEY_VALUE : windows.storeKind());
    return builder.add(
        named.name, Node.newBuilder().setAggregate(aggregate), parents, serdes.pair());
  }
}
