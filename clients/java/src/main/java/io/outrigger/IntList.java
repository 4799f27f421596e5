package io.outrigger;

import java.util.Arrays;

/** Numbers in an array that grows. */
final class IntList {
  private static final int FIRST = 16;

  int[] values = WireReader.NO_INTS;
  int count;

  void add(int value) {
    if (count == values.length) values = Arrays.copyOf(values, Math.max(FIRST, 2 * count));
    values[count++] = value;
  }

  /** Takes the last away while they are {@code limit} or more; they ascend. */
  void cut(int limit) {
    while (count > 0 && values[count - 1] >= limit) count -= 1;
  }
}
