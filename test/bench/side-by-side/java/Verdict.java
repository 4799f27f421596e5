import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Judges a workload's committed output record by record, in the order of each partition: every copy
 * there once, unchanged and in its key's order; every count of a key (and window) the one after the one
 * before it, with the sum that belongs to it; and none left when the output ends.
 */
final class Verdict {
  private final Dataset dataset;
  private final String workload;
  /** The input's records by group, each group's in order. */
  private final int[] ordered;
  private final int[] starts;
  private final int[] seen;
  private final long[] sums;
  private final byte[] expected;
  private long faults;
  private String first;

  Verdict(Dataset dataset, String workload) {
    this.dataset = dataset;
    this.workload = workload;
    expected = new byte[dataset.valueBytes];
    int groups = workload.equals("W2") ? dataset.keys * Dataset.WINDOWS : dataset.keys;
    seen = new int[groups];
    sums = new long[groups];
    starts = new int[groups + 1];
    ordered = new int[dataset.records];
    for (int i = 0; i < dataset.records; i++) starts[groupOf(i) + 1]++;
    for (int group = 0; group < groups; group++) starts[group + 1] += starts[group];
    int[] next = Arrays.copyOf(starts, groups);
    for (int i = 0; i < dataset.records; i++) ordered[next[groupOf(i)]++] = i;
  }

  private int groupOf(int i) {
    int key = dataset.key(i);
    return workload.equals("W2") ? key * Dataset.WINDOWS + dataset.window(i) : key;
  }

  /** The input's record that it came of; -1 for one that is due no more, or has another form. */
  int see(byte[] key, byte[] value) {
    int group = groupOf(key);
    if (group < 0) {
      fault("a key that was never sent: " + (key == null ? "null" : Arrays.toString(key)));
      return -1;
    }
    int at = starts[group] + seen[group];
    if (at >= starts[group + 1]) {
      fault(name(group) + ": more records than came in: one is doubled");
      return -1;
    }
    int valueBytes = workload.equals("W1") ? dataset.valueBytes : workload.equals("W2") ? 8 : 16;
    if (value == null || value.length != valueBytes) {
      fault(name(group) + ": a value that has not " + valueBytes + " bytes");
      return -1;
    }
    if (workload.equals("W1")) seeCopy(group, ordered[at], value);
    else seeTotals(group, ordered[at], ByteBuffer.wrap(value));
    return ordered[at];
  }

  private void seeCopy(int group, int i, byte[] value) {
    seen[group]++;
    dataset.fill(i, expected);
    if (Arrays.equals(expected, value)) return;
    long found = ByteBuffer.wrap(value).getLong();
    fault(name(group) + ": record " + found + " where " + i + " is due, or its value is altered");
  }

  private void seeTotals(int group, int i, ByteBuffer value) {
    seen[group]++;
    sums[group] += dataset.amount(i);
    long count = value.getLong();
    if (count != seen[group]) {
      fault(name(group) + ": the count is " + count + " where " + seen[group] + " is due");
    } else if (workload.equals("W3") && value.getLong() != sums[group]) {
      fault(name(group) + ": the sum at count " + count + " is not " + sums[group]);
    }
  }

  private int groupOf(byte[] key) {
    boolean isWindowed = workload.equals("W2");
    int number = dataset.keyOf(key);
    if (number < 0 || key.length != (isWindowed ? 24 : 16)) return -1;
    if (!isWindowed) return number;
    long offsetMs = ByteBuffer.wrap(key).getLong(16) - dataset.baseMs;
    boolean isWindow = offsetMs >= 0 && offsetMs % Dataset.WINDOW_MS == 0;
    long window = offsetMs / Dataset.WINDOW_MS;
    return isWindow && window < Dataset.WINDOWS ? number * Dataset.WINDOWS + (int) window : -1;
  }

  /** What is due and never came. */
  void end() {
    for (int group = 0; group < seen.length; group++) {
      int missing = starts[group + 1] - starts[group] - seen[group];
      if (missing > 0) fault(name(group) + ": " + missing + " records are lost");
    }
  }

  private String name(int group) {
    if (!workload.equals("W2")) return "key " + group;
    return "key " + group / Dataset.WINDOWS + ", window " + group % Dataset.WINDOWS;
  }

  private void fault(String text) {
    faults++;
    if (first == null) first = text;
  }

  long faults() {
    return faults;
  }

  /** The first of them, null where there is none. */
  String first() {
    return first;
  }
}
