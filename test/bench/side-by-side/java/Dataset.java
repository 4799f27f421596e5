import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The input, and what must come of it, from a seed: record i of n is the same wherever it is made.
 *
 * <p>Key: one of 10,000, uniform, 16 bytes. Value: 100 bytes, of which an int64 at 0 is i, and one at 8
 * an amount below 10,000. Timestamps ascend over 30 minutes from `baseMs`, a multiple of 5 minutes, so
 * that no record is late for its window.
 */
final class Dataset {
  static final int KEYS = 10_000;
  static final int VALUE_BYTES = 100;
  static final long WINDOW_MS = 300_000;
  static final int WINDOWS = 6;

  private static final long AMOUNT = 1L << 32;
  private static final long FILLER = 2L << 32;

  final int records;
  final long baseMs;
  private final long seed;

  Dataset(int records, long baseMs, long seed) {
    if (baseMs % WINDOW_MS != 0) throw new IllegalArgumentException(baseMs + " begins no window");
    this.records = records;
    this.baseMs = baseMs;
    this.seed = seed;
  }

  /** splitmix64 */
  private static long random(long x) {
    long z = x * 0x9E3779B97F4A7C15L + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  int key(int i) {
    return (int) Long.remainderUnsigned(random(seed + i), KEYS);
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
    return String.format(Locale.ROOT, "key-%012d", key).getBytes(StandardCharsets.US_ASCII);
  }

  /** The number in a key's 16 bytes; -1 where they are no key. */
  static int keyOf(byte[] key) {
    if (key == null || key.length < 16) return -1;
    int number = 0;
    for (int at = 4; at < 16; at++) {
      int digit = key[at] - '0';
      if (digit < 0 || digit > 9) return -1;
      number = number * 10 + digit;
      if (number >= KEYS) return -1;
    }
    boolean isKey = key[0] == 'k' && key[1] == 'e' && key[2] == 'y' && key[3] == '-';
    return isKey ? number : -1;
  }
}
