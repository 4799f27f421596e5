package io.outrigger;

import io.outrigger.gen.v1.Function;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Operation;
import io.outrigger.gen.v1.Repartition;
import io.outrigger.gen.v1.Sink;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Declares the nodes of a stream.
 *
 * @param nodes what forwards its records: one node, or several behind a merge
 */
record KStreamNodes<K, V>(TopologyBuilder builder, List<String> nodes, StreamSerdes serdes)
    implements KStream<K, V> {

  static <K, V> KStream<K, V> of(TopologyBuilder builder, String node, StreamSerdes serdes) {
    return new KStreamNodes<>(builder, List.of(node), serdes);
  }

  @Override
  public <K2, V2> KStream<K2, V2> map(
      KeyValueMapper<? super K, ? super V, ? extends KeyValue<K2, V2>> mapper, Named named) {
    KeyValueMapper<Object, Object, KeyValue<K2, V2>> code = untyped(mapper);
    return function(
        Operation.OPERATION_MAP,
        StreamSerdes.UNKNOWN,
        named,
        (record, emitter) -> {
          KeyValue<K2, V2> mapped = code.apply(record.key(), record.value());
          if (mapped == null) {
            throw new NullPointerException("map returned null: return a KeyValue, or use filter");
          }
          emitter.forward(record.followedBy(mapped.key(), mapped.value()));
        });
  }

  @Override
  public <K2> KStream<K2, V> selectKey(
      KeyValueMapper<? super K, ? super V, ? extends K2> mapper, Named named) {
    KeyValueMapper<Object, Object, K2> code = untyped(mapper);
    return function(
        Operation.OPERATION_SELECT_KEY,
        serdes.withKey(null),
        named,
        (record, emitter) -> {
          Object key = code.apply(record.key(), record.value());
          emitter.forward(record.followedBy(key, record.value()));
        });
  }

  @Override
  public <V2> KStream<K, V2> mapValues(
      ValueMapperWithKey<? super K, ? super V, ? extends V2> mapper, Named named) {
    ValueMapperWithKey<Object, Object, V2> code = untyped(mapper);
    return function(
        Operation.OPERATION_MAP_VALUES,
        serdes.withValue(null),
        named,
        (record, emitter) -> {
          Object mapped = code.apply(record.key(), record.value());
          emitter.forward(record.followedBy(record.key(), mapped));
        });
  }

  @Override
  public <K2, V2> KStream<K2, V2> flatMap(
      KeyValueMapper<
              ? super K, ? super V, ? extends Iterable<? extends KeyValue<? extends K2, ? extends V2>>>
          mapper,
      Named named) {
    KeyValueMapper<Object, Object, Iterable<KeyValue<K2, V2>>> code = untyped(mapper);
    return function(
        Operation.OPERATION_FLAT_MAP,
        StreamSerdes.UNKNOWN,
        named,
        (record, emitter) -> {
          for (KeyValue<K2, V2> made : code.apply(record.key(), record.value())) {
            emitter.forward(record.followedBy(made.key(), made.value()));
          }
        });
  }

  @Override
  public <V2> KStream<K, V2> flatMapValues(
      ValueMapperWithKey<? super K, ? super V, ? extends Iterable<? extends V2>> mapper,
      Named named) {
    ValueMapperWithKey<Object, Object, Iterable<V2>> code = untyped(mapper);
    return function(
        Operation.OPERATION_FLAT_MAP_VALUES,
        serdes.withValue(null),
        named,
        (record, emitter) -> {
          for (V2 made : code.apply(record.key(), record.value())) {
            emitter.forward(record.followedBy(record.key(), made));
          }
        });
  }

  @Override
  public KStream<K, V> filter(Predicate<? super K, ? super V> predicate, Named named) {
    Predicate<Object, Object> code = untyped(predicate);
    return function(
        Operation.OPERATION_FILTER,
        serdes,
        named,
        (record, emitter) -> {
          if (code.test(record.key(), record.value())) emitter.forward(record);
        });
  }

  @Override
  public KStream<K, V> filterNot(Predicate<? super K, ? super V> predicate, Named named) {
    Predicate<Object, Object> code = untyped(predicate);
    return filter((key, value) -> !code.test(key, value), named);
  }

  @Override
  public KStream<K, V> peek(ForeachAction<? super K, ? super V> action, Named named) {
    ForeachAction<Object, Object> code = untyped(action);
    return function(
        Operation.OPERATION_PEEK,
        serdes,
        named,
        (record, emitter) -> {
          code.apply(record.key(), record.value());
          emitter.forward(record);
        });
  }

  @Override
  public <K2, V2> KStream<K2, V2> process(
      Processor<? super K, ? super V, K2, V2> processor,
      Named named,
      StoreDefinition... stores) {
    NodeCode code = codeOf(processor);
    return function(
        Function.newBuilder()
            .setOperation(Operation.OPERATION_PROCESS)
            .setTimers(processor instanceof TimedProcessor<?, ?, ?, ?>),
        StreamSerdes.UNKNOWN,
        named,
        namesOf(stores),
        () -> code);
  }

  @Override
  public <K2, V2> KStream<K2, V2> process(
      ProcessorSupplier<? super K, ? super V, K2, V2> supplier,
      Named named,
      StoreDefinition... stores) {
    Objects.requireNonNull(supplier, "supplier");
    return function(
        Function.newBuilder()
            .setOperation(Operation.OPERATION_PROCESS)
            .setTimers(supplier instanceof TimedProcessorSupplier<?, ?, ?, ?>),
        StreamSerdes.UNKNOWN,
        named,
        namesOf(stores),
        () -> codeOf(supplier.get()));
  }

  @Override
  public <V2> KStream<K, V2> processValues(
      FixedKeyProcessor<? super K, ? super V, V2> processor,
      Named named,
      StoreDefinition... stores) {
    NodeCode code = FixedKeyContext.codeOf(processor);
    return function(
        Function.newBuilder()
            .setOperation(Operation.OPERATION_PROCESS_VALUES)
            .setTimers(processor instanceof TimedFixedKeyProcessor<?, ?, ?>),
        serdes.withValue(null),
        named,
        namesOf(stores),
        () -> code);
  }

  @Override
  public <V2> KStream<K, V2> processValues(
      FixedKeyProcessorSupplier<? super K, ? super V, V2> supplier,
      Named named,
      StoreDefinition... stores) {
    Objects.requireNonNull(supplier, "supplier");
    return function(
        Function.newBuilder().setOperation(Operation.OPERATION_PROCESS_VALUES),
        serdes.withValue(null),
        named,
        namesOf(stores),
        () -> FixedKeyContext.codeOf(supplier.get()));
  }

  @Override
  public BranchedKStream<K, V> split(Named named) {
    Branches branches = new Branches();
    KStream<K, V> split = function(Operation.OPERATION_BRANCH, serdes, named, branches);
    return new BranchedKStream<>((KStreamNodes<K, V>) split, branches);
  }

  /** A node that lets every record through. */
  KStream<K, V> through(String name) {
    return function(
        Operation.OPERATION_PEEK,
        serdes,
        Named.as(name),
        (record, emitter) -> emitter.forward(record));
  }

  @Override
  public KStream<K, V> merge(KStream<K, V> stream) {
    KStreamNodes<K, V> other = (KStreamNodes<K, V>) Objects.requireNonNull(stream, "stream");
    if (other.builder != builder) {
      throw new IllegalArgumentException("a stream of another application cannot be merged");
    }
    List<String> merged = new ArrayList<>(nodes);
    for (String name : other.nodes) {
      if (merged.contains(name)) {
        throw new IllegalArgumentException(
            "\"" + name + "\" is merged with itself: its records would come twice");
      }
      merged.add(name);
    }
    return new KStreamNodes<>(builder, merged, serdes.mergedWith(other.serdes, merged));
  }

  @Override
  public KStream<K, V> repartition(Repartitioned<K, V> repartitioned) {
    StreamSerdes chosen = serdes.orElse(repartitioned.serdes, builder.defaults);
    Node.Builder node =
        Node.newBuilder()
            .setRepartition(
                Repartition.newBuilder().setPartitions(repartitioned.numberOfPartitions));
    String name = builder.add(repartitioned.name, node, nodes, chosen.pair()).name;
    return of(builder, name, chosen);
  }

  @Override
  public KStream<K, V> suppress(Suppressed suppressed, Named named) {
    Node.Builder node = Node.newBuilder().setSuppress(suppressed.wire);
    StreamSerdes written = serdes.orElse(builder.defaults);
    return of(builder, builder.add(named.name, node, nodes, written.pair()).name, serdes);
  }

  @Override
  public KGroupedStream<K, V> groupByKey(Grouped<K, V> grouped) {
    return new KGroupedStream<>(builder, nodes, serdes, grouped);
  }

  @Override
  public <K2> KGroupedStream<K2, V> groupBy(
      KeyValueMapper<? super K, ? super V, ? extends K2> selector, Grouped<K2, V> grouped) {
    Named named = grouped.name == null ? Named.BY_ORDER : Named.as(grouped.name);
    KStream<K2, V> selected = selectKey(selector, named);
    return selected.groupByKey(grouped);
  }

  @Override
  public void to(String topic, Produced<K, V> produced) {
    Objects.requireNonNull(topic, "the topic is null");
    Node.Builder sink = Node.newBuilder().setSink(Sink.newBuilder().setTopic(topic));
    SerdePair written = SerdePair.of(produced.keySerde, produced.valueSerde);
    builder.add(produced.name, sink, nodes, written);
  }

  @Override
  public void to(String topic) {
    to(topic, byDefault());
  }

  @Override
  public void to(TopicNameExtractor<? super K, ? super V> extractor, Collection<String> topics) {
    to(extractor, topics, byDefault());
  }

  @Override
  public void to(
      TopicNameExtractor<? super K, ? super V> extractor,
      Collection<String> topics,
      Produced<K, V> produced,
      Named named) {
    ChosenTopic code = new ChosenTopic(untyped(extractor), topics);
    KStream<K, V> chosen = function(Operation.OPERATION_BRANCH, serdes, named, code);
    String node = ((KStreamNodes<K, V>) chosen).nodes().get(0);
    for (String topic : topics) chosen.to(topic, produced.withName(node + "-" + topic));
  }

  private Produced<K, V> byDefault() {
    return untyped(Produced.with(builder.defaults.key(), builder.defaults.value()));
  }

  private List<String> namesOf(StoreDefinition... stores) {
    for (StoreDefinition store : stores) builder.addStore(store);
    return Stream.of(stores).map(StoreDefinition::name).distinct().toList();
  }

  private <K2, V2> KStream<K2, V2> function(
      Operation operation, StreamSerdes result, Named named, NodeCode code) {
    Function.Builder function = Function.newBuilder().setOperation(operation);
    return function(function, result, named, List.of(), () -> code);
  }

  private <K2, V2> KStream<K2, V2> function(
      Function.Builder function,
      StreamSerdes result,
      Named named,
      List<String> stores,
      Supplier<NodeCode> code) {
    function.addAllStores(stores).addAllPunctuators(named.punctuators);
    if (!function.getTimers() && !named.punctuators.isEmpty()) {
      throw new IllegalArgumentException(
          "a punctuator calls a TimedProcessor, by itself or by a TimedProcessorSupplier: take one");
    }
    if (named.failurePolicy != null) function.setFailurePolicy(named.failurePolicy.wire);
    // Within a stage values are passed on, not bytes: only its entries read, and only what is not of it is
    // written.
    TopologyNode added =
        builder.add(
            named.name,
            Node.newBuilder().setFunction(function),
            nodes,
            serdes.orElse(builder.defaults).pair());
    added.code = code;
    added.stores = Set.copyOf(stores);
    added.hasTimers = function.getTimers();
    added.punctuators = named.punctuators;
    return of(builder, added.name, result);
  }

  private static NodeCode codeOf(Processor<?, ?, ?, ?> processor) {
    Processor<Object, Object, Object, Object> code = untyped(processor);
    return new NodeCode() {
      @Override
      public void run(Record<Object, Object> record, Emitter emitter) throws Exception {
        try (ProcessContext context = new ProcessContext(emitter, record)) {
          code.process(record, context);
        }
      }

      @Override
      public void fire(Record<Object, Object> record, Firing firing, Emitter emitter)
          throws Exception {
        if (!(code instanceof TimedProcessor<Object, Object, Object, Object> timed)) return;
        try (ProcessContext context = new ProcessContext(emitter, record)) {
          if (firing.isPunctuation()) timed.onPunctuate(firing.name(), record.timestamp(), context);
          else timed.onTimer(firing.timer(record), context);
        }
      }
    };
  }

  // Within a stage records are objects; the builder's types have seen to it that they fit.
  @SuppressWarnings("unchecked")
  private static <T> T untyped(Object code) {
    return (T) Objects.requireNonNull(code, "the function is null");
  }
}
