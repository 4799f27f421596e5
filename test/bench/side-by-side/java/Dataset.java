import java.nio.ByteBuffer;

/**
 * The input, and what must come of it, from a seed: record i of n is the same wherever it is made.
 *
 * <p>Key: 16 bytes, one of `keys`, uniform; or each of them once, in their order or shuffled, and then
 * some of them again, at random. Value: of which an int64 at 0 is i, and one at 8 an amount below 10,000.
 * Timestamps ascend over 30 minutes from `baseMs`, a multiple of 5 minutes, so that no record is late for
 * its window.
 */
final class Dataset {
  static final long WINDOW_MS = 300_000;
  static final int WINDOWS = 6;

  private static final long AMOUNT = 1L << 32;
  private static final long FILLER = 2L << 32;
  /** A prime, so that its multiples go through all keys before one comes again. */
  private static final long STRIDE = 2_654_435_761L;

  final int records;
  final int keys;
  final int valueBytes;
  final long baseMs;
  private final long seed;
  private final String order;

  /** `RECORDS:BASE_MS:SEED:KEYS:ORDER:VALUE_BYTES`, the order `uniform`, `sequential` or `shuffled`. */
  Dataset(String text) {
    String[] fields = text.split(":");
    records = Integer.parseInt(fields[0]);
    baseMs = Long.parseLong(fields[1]);
    seed = Long.parseLong(fields[2]);
    keys = Integer.parseInt(fields[3]);
    order = fields[4];
    valueBytes = Integer.parseInt(fields[5]);
    if (baseMs % WINDOW_MS != 0) throw new IllegalArgumentException(baseMs + " begins no window");
  }

  /** splitmix64 */
  private static long random(long x) {
    long z = x * 0x9E3779B97F4A7C15L + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  int key(int i) {
    if (i < keys && order.equals("sequential")) return i;
    if (i < keys && order.equals("shuffled")) return (int) (i * STRIDE % keys);
    return (int) Long.remainderUnsigned(random(seed + i), keys);
  }

  long amount(int i) {
    return Long.remainderUnsigned(random(seed + AMOUNT + i), 10_000);
  }

  long timestamp(int i) {
    return baseMs + i * (WINDOWS * WINDOW_MS) / records;
  }

  int window(int i) {
    return (int) ((timestamp(i) - baseMs) / WINDOW_MS);
  }

  void fill(int i, byte[] value) {
    ByteBuffer written = ByteBuffer.wrap(value).putLong(i).putLong(amount(i));
    long letters = random(seed + FILLER + i);
    while (written.hasRemaining()) {
      written.put((byte) ('a' + Long.remainderUnsigned(letters, 26)));
      letters = Long.rotateRight(letters, 5);
    }
  }

  static byte[] keyBytes(int key) {
    byte[] written = {'k', 'e', 'y', '-', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0'};
    for (int at = 15, left = key; left > 0; at--, left /= 10) written[at] += (byte) (left % 10);
    return written;
  }

  /** The number in a key's 16 bytes; -1 where they are no key. */
  int keyOf(byte[] key) {
    if (key == null || key.length < 16) return -1;
    long number = 0;
    for (int at = 4; at < 16; at++) {
      int digit = key[at] - '0';
      if (digit < 0 || digit > 9) return -1;
      number = number * 10 + digit;
    }
    boolean isKey = key[0] == 'k' && key[1] == 'e' && key[2] == 'y' && key[3] == '-';
    return isKey && number < keys ? (int) number : -1;
  }
}
