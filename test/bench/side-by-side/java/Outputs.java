import java.nio.ByteBuffer;
import java.util.Arrays;

/** What a workload should make of the dataset, in the input's order. */
final class Outputs {
  private final Dataset dataset;
  private final String workload;
  private final long[] counts;
  private final long[] sums;
  private final int[] lasts;

  Outputs(Dataset dataset, String workload) {
    this.dataset = dataset;
    this.workload = workload;
    counts = new long[dataset.records];
    sums = new long[dataset.records];
    lasts = new int[dataset.records];
    int[] before = new int[dataset.keys * Dataset.WINDOWS];
    Arrays.fill(before, -1);
    for (int i = 0; i < dataset.records; i++) {
      int group = groupOf(i);
      int last = before[group];
      counts[i] = last < 0 ? 1 : counts[last] + 1;
      sums[i] = dataset.amount(i) + (last < 0 ? 0 : sums[last]);
      before[group] = i;
    }
    for (int i = 0; i < dataset.records; i++) lasts[i] = before[groupOf(i)];
  }

  private int groupOf(int i) {
    int window = workload.equals("W2") ? dataset.window(i) : 0;
    return dataset.key(i) * Dataset.WINDOWS + window;
  }

  byte[] key(int i) {
    byte[] key = Dataset.keyBytes(dataset.key(i));
    if (!workload.equals("W2")) return key;
    long start = dataset.baseMs + dataset.window(i) * Dataset.WINDOW_MS;
    return ByteBuffer.allocate(24).put(key).putLong(start).array();
  }

  byte[] value(int i) {
    if (workload.equals("W1")) {
      byte[] value = new byte[dataset.valueBytes];
      dataset.fill(i, value);
      return value;
    }
    if (workload.equals("W2")) return ByteBuffer.allocate(8).putLong(counts[i]).array();
    return ByteBuffer.allocate(16).putLong(counts[i]).putLong(sums[i]).array();
  }

  /** The last record of this one's key (and window). */
  int lastOf(int i) {
    return lasts[i];
  }
}
