package io.outrigger;

import io.outrigger.gen.v1.Aggregate;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.StoreKind;
import io.outrigger.gen.v1.TumblingWindows;
import java.util.Objects;

/**
 * Declares aggregates below a node.
 *
 * @param windows null without windows
 */
record Aggregation(
    TopologyBuilder builder, String parent, SerdePair serdes, TimeWindows windows) {

  Aggregation by(TimeWindows chosen) {
    return new Aggregation(builder, parent, serdes, chosen);
  }

  @SuppressWarnings("unchecked")
  <K, VR> KStream<K, VR> aggregate(
      Initializer<VR> initializer,
      Aggregator<?, ?, VR> aggregator,
      Named named,
      Materialized<VR> materialized) {
    if (materialized.valueSerde == null) {
      throw new IllegalArgumentException(
          "the aggregate \"" + materialized.storeName + "\" has no serde: add withValueSerde(...)");
    }
    String store = builder.storeName(materialized.storeName, "aggregate");
    Fold fold =
        new Fold(
            store,
            windows,
            (Serde<Object>) materialized.valueSerde,
            (Initializer<Object>) Objects.requireNonNull(initializer, "initializer"),
            (Aggregator<Object, Object, Object>) Objects.requireNonNull(aggregator, "aggregator"));
    TopologyNode node =
        add(named, store, io.outrigger.gen.v1.Aggregator.AGGREGATOR_APPLICATION);
    node.aggregates = store;
    NodeCode code = (record, emitter) -> emitter.fold(record, fold);
    node.code = () -> code;
    return new KStream<>(builder, node.name, serdes);
  }

  <K> KStream<K, Long> count(Named named, Materialized<?> materialized) {
    if (named.failurePolicy != null) {
      throw new IllegalArgumentException(
          "a count runs in the sidecar, where it does not fail: leave its failure policy out");
    }
    String store = builder.storeName(materialized.storeName, "count");
    TopologyNode node = add(named, store, io.outrigger.gen.v1.Aggregator.AGGREGATOR_COUNT);
    Serde<?> key =
        windows == null ? serdes.key() : new WindowedSerde<>(serdes.key(), windows.sizeMs());
    return new KStream<>(builder, node.name, SerdePair.of(key, Serdes.Long()));
  }

  private TopologyNode add(
      Named named, String store, io.outrigger.gen.v1.Aggregator aggregator) {
    Aggregate.Builder aggregate = Aggregate.newBuilder().setStore(store).setAggregator(aggregator);
    if (windows != null) {
      aggregate.setTumbling(
          TumblingWindows.newBuilder()
              .setSizeMs(windows.sizeMs())
              .setGraceMs(windows.gracePeriodMs()));
    }
    if (named.failurePolicy != null) aggregate.setFailurePolicy(named.failurePolicy.wire);
    builder.addStore(
        store, windows == null ? StoreKind.STORE_KIND_KEY_VALUE : StoreKind.STORE_KIND_WINDOW);
    return builder.add(named.name, Node.newBuilder().setAggregate(aggregate), parent, serdes);
  }
}
