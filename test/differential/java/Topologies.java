import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.BranchedKStream;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.SessionWindowedKStream;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindowedKStream;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.Stores;

/** Builds a topology of topology.ts with the Streams DSL; its defaults, but that nothing is cached. */
@SuppressWarnings({"unchecked", "rawtypes"})
final class Topologies {
  /** What stands at a node's name: a stream, or records that were grouped or windowed. */
  private record At(
      Object what,
      Serde key,
      String keyType,
      String valueType,
      Serde windowed,
      SidecarTime.Clock clock) {
    KStream<Object, Object> stream() {
      return (KStream<Object, Object>) what;
    }

    Serde value() {
      return serde(valueType);
    }

    At with(Object next) {
      return new At(next, key, keyType, valueType, windowed, clock);
    }

    At withValue(KStream<?, ?> next, String type) {
      return new At(next, key, keyType, type, windowed, clock);
    }

    At textKey(KStream<?, ?> next, String type) {
      return new At(next, Serdes.String(), "text", type, null, clock);
    }

    At grouped(Serde by, boolean keepsKey) {
      return new At(what, by, keepsKey ? keyType : "text", valueType, null, clock);
    }

    /** From here on: null where aggregates keep a time of their own, in a sidecar, too. */
    At with(SidecarTime.Clock next) {
      return new At(what, key, keyType, valueType, windowed, next);
    }
  }

  private final StreamsBuilder builder = new StreamsBuilder();
  private final Map<String, At> nodes = new HashMap<>();
  private final Times times;

  /** Of docs/differences.md, what is done as a sidecar does it; `isStamped` as these need it. */
  record Times(boolean isStamped, boolean isCause, boolean isTask) {
    static final Times OWN = new Times(false, false, false);

    /** What enters an aggregate says when, in a header; D-1 and D-2, where they are named. */
    static Times stamped(JsonNode as) {
      List<String> named = new ArrayList<>();
      as.forEach(name -> named.add(name.asText()));
      return new Times(true, named.contains("D-1"), named.contains("D-2"));
    }
  }

  /** Whether the windows that were declared last are forwarded when they close. */
  private boolean isFinal;

  private Topologies(Times times) {
    this.times = times;
  }

  static StreamsBuilder build(JsonNode declared, Times times) {
    Topologies topologies = new Topologies(times);
    declared.forEach(topologies::add);
    return topologies.builder;
  }

  static Serde serde(String type) {
    return switch (type) {
      case "text" -> Serdes.String();
      case "int64" -> Serdes.Long();
      case "int32" -> Serdes.Integer();
      case "float64" -> Serdes.Double();
      default -> throw new IllegalArgumentException("there is no type " + type);
    };
  }

  private void add(JsonNode node) {
    String id = node.path("id").asText();
    String fn = node.path("fn").asText();
    At from = node.path("from").isTextual() ? nodes.get(node.path("from").asText()) : null;
    switch (node.path("op").asText()) {
      case "source" -> nodes.put(id, source(node));
      case "to" -> from.stream().to(node.path("topic").asText(), Produced.with(from.key, from.value()));
      case "toChosen" -> chosen(node, fn, from);
      case "remember" -> nodes.put(id, from.withValue(remember(node, from.stream()), "text"));
      case "merge" -> nodes.put(id, merge(node));
      case "branch" -> branch(node, id, from);
      case "groupByKey" -> nodes.put(id, grouped(from, null, node));
      case "groupBy" -> nodes.put(id, grouped(from, fn, node));
      case "windowedBy" -> {
        At windowed = windowed(from, node.path("windows"));
        isFinal = node.has("emit");
        nodes.put(id, isFinal ? onClose(windowed) : windowed);
      }
      case "count", "aggregate", "reduce", "sum", "min", "max" -> nodes.put(id, aggregate(node, from));
      default -> nodes.put(id, stateless(node, fn, from));
    }
  }

  private At source(JsonNode node) {
    List<String> topics = new ArrayList<>();
    node.path("topics").forEach(topic -> topics.add(topic.asText()));
    String type = node.path("value").asText("text");
    KStream<?, ?> stream = builder.stream(topics, Consumed.with(Serdes.String(), serde(type)));
    return ticking(new At(stream, Serdes.String(), "text", type, null, null));
  }

  /** A sub-topology begins: with a sidecar it has a time of its own. */
  private At ticking(At from) {
    if (!times.isTask) return from;
    SidecarTime.Clock clock = new SidecarTime.Clock();
    return from.with(from.stream().processValues(clock::ticks)).with(clock);
  }

  private At merge(JsonNode node) {
    At merged = null;
    for (JsonNode from : node.path("from")) {
      At next = nodes.get(from.asText());
      merged = merged == null ? next : merged.with(merged.stream().merge(next.stream()));
    }
    return merged;
  }

  private void branch(JsonNode node, String id, At from) {
    BranchedKStream<Object, Object> split = from.stream().split();
    int index = 0;
    for (JsonNode fn : node.path("fns")) {
      String name = id + "." + index++;
      Branched<Object, Object> branched =
          Branched.withConsumer(stream -> nodes.put(name, from.with(stream)));
      split = split.branch((key, value) -> Functions.test(fn.asText(), key, value), branched);
    }
    if (node.path("default").asBoolean(false)) {
      split.defaultBranch(
          Branched.withConsumer(stream -> nodes.put(id + ".default", from.with(stream))));
    } else {
      split.noDefaultBranch();
    }
  }

  private At stateless(JsonNode node, String fn, At from) {
    KStream<Object, Object> stream = from.stream();
    String after = Functions.typeAfter(fn, from.valueType);
    return switch (node.path("op").asText()) {
      case "mapValues" ->
          from.withValue(stream.mapValues((k, v) -> Functions.mapValue(fn, k, v)), after);
      case "map" -> from.textKey(stream.map((k, v) -> Functions.map(fn, k, v)), after);
      case "selectKey" ->
          from.textKey(stream.selectKey((k, v) -> Functions.selectKey(fn, k, v)), from.valueType);
      case "flatMap" -> from.textKey(stream.flatMap((k, v) -> Functions.flatMap(fn, k, v)), after);
      case "flatMapValues" ->
          from.withValue(stream.flatMapValues((k, v) -> Functions.flatMapValue(fn, v)), after);
      case "filter" -> from.with(stream.filter((k, v) -> Functions.test(fn, k, v)));
      case "filterNot" -> from.with(stream.filterNot((k, v) -> Functions.test(fn, k, v)));
      case "peek" -> from.with(stream.peek((k, v) -> {}));
      case "process" -> from.with(process(node, fn, stream));
      case "processValues" ->
          from.with(stream.processValues(() -> Processors.values(fn))).with((SidecarTime.Clock) null);
      case "repartition" -> ticking(from.with(stream.repartition(repartitioned(node, from))));
      default -> throw new IllegalArgumentException("there is no operation " + node);
    };
  }

  private Repartitioned repartitioned(JsonNode node, At from) {
    Repartitioned as = Repartitioned.as(node.path("name").asText("again"));
    as = as.withKeySerde(from.key).withValueSerde(from.value());
    return node.has("partitions") ? as.withNumberOfPartitions(node.path("partitions").asInt()) : as;
  }

  private KStream<?, ?> process(JsonNode node, String fn, KStream<Object, Object> stream) {
    if (!node.has("store")) return stream.process(() -> Processors.named(fn, null));
    String store = node.path("store").asText();
    builder.addStateStore(
        Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(store), Serdes.String(), Serdes.String())
            .withCachingDisabled());
    return stream.process(() -> Processors.named(fn, store), store);
  }

  private static void chosen(JsonNode node, String fn, At from) {
    String first = node.path("topics").path(0).asText();
    String second = node.path("topics").path(1).asText();
    from.stream()
        .to(
            (key, value, context) -> Functions.test(fn, key, value) ? first : second,
            Produced.with(from.key, from.value()));
  }

  private KStream<?, ?> remember(JsonNode node, KStream<Object, Object> stream) {
    String store = node.path("store").asText();
    builder.addStateStore(
        Stores.timestampedKeyValueStoreBuilder(
                Stores.persistentTimestampedKeyValueStore(store), Serdes.String(), Serdes.String())
            .withCachingDisabled());
    return stream.process(() -> Processors.remembering(store), store);
  }

  private At grouped(At from, String fn, JsonNode node) {
    KStream<Object, Object> stream = from.stream();
    Serde key = fn == null ? from.key : Serdes.String();
    Grouped grouped = Grouped.with(key, from.value());
    if (node.has("name")) grouped = grouped.withName(node.path("name").asText());
    KGroupedStream<?, ?> found;
    if (!times.isStamped) {
      found =
          fn == null
              ? stream.groupByKey(grouped)
              : stream.groupBy((k, v) -> Functions.selectKey(fn, k, v), grouped);
    } else {
      // As groupBy: a new key, then what is grouped.
      KStream<Object, Object> keyed =
          fn == null ? stream : stream.selectKey((k, v) -> Functions.selectKey(fn, k, v));
      KStream<Object, Object> stamped = keyed.processValues(Processors::stamp);
      if (times.isTask) {
        At timed = timed(from.with(stamped), key, SidecarTime.isRekeyed(keyed));
        return timed.with(timed.stream().groupByKey(grouped)).grouped(key, fn == null);
      }
      found = stamped.groupByKey(grouped);
    }
    return from.with(found).grouped(key, fn == null);
  }

  /** The topic in front of an aggregate stands in the open, so that a clock can stand behind it. */
  private At timed(At from, Serde key, boolean isRekeyed) {
    At next = from;
    if (isRekeyed) {
      KStream<Object, Object> kept = from.stream().filter((k, v) -> k != null);
      next = ticking(from.with(kept.repartition(Repartitioned.with(key, from.value()))));
    }
    if (next.clock == null) return next;
    return next.with(next.stream().processValues(next.clock::tells));
  }

  private static At windowed(At from, JsonNode windows) {
    KGroupedStream<Object, Object> grouped = (KGroupedStream<Object, Object>) from.what;
    Duration size = Duration.ofMillis(windows.path("sizeMs").asLong());
    Duration grace = Duration.ofMillis(windows.path("graceMs").asLong());
    Serde inner = from.key;
    Serde time = new WindowedSerdes.TimeWindowedSerde(inner, size.toMillis());
    return switch (windows.path("kind").asText()) {
      case "tumbling" -> windowed(from, grouped.windowedBy(TimeWindows.ofSizeAndGrace(size, grace)), time);
      case "hopping" -> {
        Duration advance = Duration.ofMillis(windows.path("advanceMs").asLong());
        TimeWindows hopping = TimeWindows.ofSizeAndGrace(size, grace).advanceBy(advance);
        yield windowed(from, grouped.windowedBy(hopping), time);
      }
      case "sliding" ->
          windowed(
              from,
              grouped.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(size, grace)),
              new WindowedSerdes.TimeWindowedSerde(inner, size.toMillis()));
      case "session" ->
          windowed(
              from,
              grouped.windowedBy(SessionWindows.ofInactivityGapAndGrace(size, grace)),
              new WindowedSerdes.SessionWindowedSerde(inner));
      default -> throw new IllegalArgumentException("there are no windows " + windows);
    };
  }

  private static At onClose(At from) {
    EmitStrategy emit = EmitStrategy.onWindowClose();
    Object what =
        from.what instanceof TimeWindowedKStream windows
            ? windows.emitStrategy(emit)
            : ((SessionWindowedKStream) from.what).emitStrategy(emit);
    return windowed(from, what, from.windowed);
  }

  private static At windowed(At from, Object what, Serde windowed) {
    return new At(what, from.key, "windowed", from.valueType, windowed, from.clock);
  }

  private At aggregate(JsonNode node, At from) {
    String op = node.path("op").asText();
    String fn = op.equals("aggregate") || op.equals("reduce") ? node.path("fn").asText() : op;
    String after = op.equals("count") ? "int64" : op.equals("aggregate") ? "text" : from.valueType;
    Materialized as = Materialized.as(node.path("store").asText());
    as = as.withKeySerde(from.key).withValueSerde(serde(after)).withCachingDisabled();
    // Its stores forget a window at the moment at which it closes: what is to come then would be lost.
    boolean isLate = from.what instanceof TimeWindowedKStream && (isFinal || node.has("suppress"));
    if (isLate) as = as.withRetention(Duration.ofHours(1));
    KTable<?, ?> table = suppressed(node.path("suppress"), tableOf(op, fn, from.what, as));
    Serde key = from.windowed == null ? from.key : from.windowed;
    KStream<?, ?> results = table.toStream();
    boolean isHeld = (from.windowed != null && isFinal) || node.has("suppress");
    if (times.isCause) {
      results =
          ((KStream<Object, Object>) results)
              .processValues(isHeld ? SidecarTime::forgotten : SidecarTime::restored);
    }
    return new At(results, key, from.keyType, after, null, from.clock);
  }

  private static KTable<?, ?> suppressed(JsonNode suppress, KTable table) {
    if (suppress.isMissingNode()) return table;
    if (!suppress.has("waitMs")) {
      return table.suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()));
    }
    Duration wait = Duration.ofMillis(suppress.path("waitMs").asLong());
    Suppressed.BufferConfig<?> buffer =
        suppress.has("maxRecords")
            ? Suppressed.BufferConfig.maxRecords(suppress.path("maxRecords").asLong())
            : Suppressed.BufferConfig.unbounded();
    return table.suppress(Suppressed.untilTimeLimit(wait, buffer));
  }

  private static KTable<?, ?> tableOf(String op, String fn, Object what, Materialized as) {
    if (what instanceof TimeWindowedKStream windows) {
      return switch (op) {
        case "count" -> windows.count(as);
        case "aggregate" -> windows.aggregate(() -> "", (k, v, a) -> Functions.fold(fn, k, v, a), as);
        default -> windows.reduce((a, v) -> Functions.reduce(fn, a, v), as);
      };
    }
    if (what instanceof SessionWindowedKStream sessions) {
      return switch (op) {
        case "count" -> sessions.count(as);
        case "aggregate" ->
            sessions.aggregate(
                () -> "",
                (k, v, a) -> Functions.fold(fn, k, v, a),
                (k, a, b) -> "" + a + b,
                as);
        default -> sessions.reduce((a, v) -> Functions.reduce(fn, a, v), as);
      };
    }
    KGroupedStream grouped = (KGroupedStream) what;
    return switch (op) {
      case "count" -> grouped.count(as);
      case "aggregate" -> grouped.aggregate(() -> "", (k, v, a) -> Functions.fold(fn, k, v, a), as);
      default -> grouped.reduce((a, v) -> Functions.reduce(fn, a, v), as);
    };
  }
}
