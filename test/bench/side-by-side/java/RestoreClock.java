import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.processor.StateRestoreListener;

/** Says when Kafka Streams begins to restore, what it has restored, and when it is running. */
final class RestoreClock implements StateRestoreListener {
  private RestoreClock() {}

  static void watch(KafkaStreams streams) {
    streams.setGlobalStateRestoreListener(new RestoreClock());
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING) say("running", 0);
        });
  }

  private static void say(String what, long records) {
    System.out.println(what + ' ' + System.currentTimeMillis() + ' ' + records);
  }

  @Override
  public void onRestoreStart(TopicPartition partition, String store, long from, long to) {
    if (to > from) say("restoring", to - from);
  }

  @Override
  public void onBatchRestored(TopicPartition partition, String store, long end, long records) {}

  @Override
  public void onRestoreEnd(TopicPartition partition, String store, long records) {
    if (records > 0) say("restored", records);
  }
}
