import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.coordinator.group.generated.OffsetCommitKey;
import org.apache.kafka.coordinator.group.generated.OffsetCommitValue;

/** What the broker says of topics, a group and its transactions, by Kafka's own admin client. */
final class Facts {
  private static final String OFFSETS = "__consumer_offsets";
  private static final int TIMEOUT_MS = 60_000;

  private Facts() {}

  /**
   * Lines of tab-separated fields: `topic NAME ID`, `end TOPIC PARTITION FIRST STABLE END`, `committed
   * TOPIC PARTITION OFFSET`, `history TOPIC PARTITION OFFSET` in the order of the commits, `transaction
   * ID STATE` for each of the group's that is open. Waits so long for open ones to end.
   */
  static void print(String bootstrap, String group, long waitMs, List<String> topics)
      throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("default.api.timeout.ms", TIMEOUT_MS);
    try (Admin admin = Admin.create(config)) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (var entry : admin.describeTopics(topics).allTopicNames().get().entrySet()) {
        say("topic", entry.getKey(), entry.getValue().topicId());
        for (var info : entry.getValue().partitions()) {
          partitions.add(new TopicPartition(entry.getKey(), info.partition()));
        }
      }
      long deadline = System.nanoTime() + waitMs * 1_000_000L;
      Map<String, String> open = openTransactions(admin, group);
      while ((!open.isEmpty() || !isDecided(admin, partitions)) && System.nanoTime() < deadline) {
        Thread.sleep(200);
        open = openTransactions(admin, group);
      }
      open.forEach((id, state) -> say("transaction", id, state));
      ends(admin, partitions);
      committed(admin, group);
    }
    history(bootstrap, group);
    System.out.println("end");
  }

  private static void say(Object... fields) {
    List<String> words = new ArrayList<>();
    for (Object field : fields) words.add(String.valueOf(field));
    System.out.println(String.join("\t", words));
  }

  private static Map<String, String> openTransactions(Admin admin, String group) throws Exception {
    Map<String, String> open = new TreeMap<>();
    for (var listing : admin.listTransactions().all().get()) {
      TransactionState state = listing.state();
      boolean isOver =
          state == TransactionState.EMPTY
              || state == TransactionState.COMPLETE_COMMIT
              || state == TransactionState.COMPLETE_ABORT;
      boolean isOurs = listing.transactionalId().startsWith(group + "-");
      if (isOurs && !isOver) open.put(listing.transactionalId(), state.toString());
    }
    return open;
  }

  private static boolean isDecided(Admin admin, List<TopicPartition> partitions) throws Exception {
    return offsets(admin, partitions, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED)
        .equals(offsets(admin, partitions, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED));
  }

  private static void ends(Admin admin, List<TopicPartition> partitions) throws Exception {
    var first =
        offsets(admin, partitions, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED);
    var stable = offsets(admin, partitions, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED);
    var end = offsets(admin, partitions, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED);
    for (TopicPartition at : partitions) {
      say("end", at.topic(), at.partition(), first.get(at), stable.get(at), end.get(at));
    }
  }

  private static Map<TopicPartition, Long> offsets(
      Admin admin, List<TopicPartition> partitions, OffsetSpec spec, IsolationLevel isolation)
      throws Exception {
    Map<TopicPartition, OffsetSpec> asked = new java.util.HashMap<>();
    for (TopicPartition at : partitions) asked.put(at, spec);
    Map<TopicPartition, Long> found = new java.util.HashMap<>();
    Map<TopicPartition, ListOffsetsResultInfo> answer =
        admin.listOffsets(asked, new ListOffsetsOptions(isolation)).all().get();
    answer.forEach((at, info) -> found.put(at, info.offset()));
    return found;
  }

  /** With require_stable: an offset that a transaction still holds is waited for, never guessed. */
  private static void committed(Admin admin, String group) throws Exception {
    var options = new ListConsumerGroupOffsetsOptions().requireStable(true);
    var spec = Map.of(group, new ListConsumerGroupOffsetsSpec());
    var found = admin.listConsumerGroupOffsets(spec, options).partitionsToOffsetAndMetadata(group);
    for (var entry : found.get().entrySet()) {
      if (entry.getValue() == null) continue;
      TopicPartition at = entry.getKey();
      say("committed", at.topic(), at.partition(), entry.getValue().offset());
    }
  }

  /** Every commit of the group that Kafka still holds, out of the topic in which it keeps them. */
  private static void history(String bootstrap, String group) {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("isolation.level", IsolationLevel.READ_COMMITTED.toString());
    config.put("enable.auto.commit", "false");
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      TreeSet<TopicPartition> all =
          new TreeSet<>((one, other) -> Integer.compare(one.partition(), other.partition()));
      consumer
          .partitionsFor(OFFSETS)
          .forEach(info -> all.add(new TopicPartition(OFFSETS, info.partition())));
      consumer.assign(all);
      consumer.seekToBeginning(all);
      Map<TopicPartition, Long> ends = consumer.endOffsets(all);
      while (all.stream().anyMatch(at -> consumer.position(at) < ends.get(at))) {
        for (ConsumerRecord<byte[], byte[]> each : consumer.poll(Duration.ofMillis(200))) {
          commit(group, each);
        }
      }
    }
  }

  private static void commit(String group, ConsumerRecord<byte[], byte[]> record) {
    ByteBuffer keyBytes = ByteBuffer.wrap(record.key());
    short kind = keyBytes.getShort();
    if (kind != 0 && kind != 1) return;
    OffsetCommitKey key = new OffsetCommitKey(new ByteBufferAccessor(keyBytes), (short) 0);
    if (!key.group().equals(group)) return;
    if (record.value() == null) {
      say("history", key.topic(), key.partition(), -1);
      return;
    }
    ByteBuffer valueBytes = ByteBuffer.wrap(record.value());
    short version = valueBytes.getShort();
    var value = new OffsetCommitValue(new ByteBufferAccessor(valueBytes), version);
    say("history", key.topic(), key.partition(), value.offset());
  }
}
