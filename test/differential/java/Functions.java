import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.Windowed;

/** The user functions that a topology names: `functions.ts`, in Java. Text is a String, int64 a Long. */
final class Functions {
  private Functions() {}

  static Object mapValue(String name, Object key, Object value) {
    return switch (name) {
      case "identity" -> value;
      case "upper" -> value == null ? null : text(value).toUpperCase(Locale.ROOT);
      case "exclaim" -> value == null ? "!" : value + "!";
      case "withKey" -> key + "=" + value;
      case "emptyToNull" -> "".equals(value) ? null : value;
      case "nullToEmpty" -> value == null ? "" : value;
      case "length" -> value == null ? "-" : String.valueOf(text(value).length());
      case "asText" -> value == null ? null : String.valueOf(value);
      case "lengthAsLong" -> value == null ? null : (Object) Long.valueOf(text(value).length());
      default -> throw unknown(name);
    };
  }

  static KeyValue<Object, Object> map(String name, Object key, Object value) {
    return switch (name) {
      case "swap" -> KeyValue.pair(value, key);
      case "firstLetterKey" -> KeyValue.pair(firstLetter(value), value);
      case "windowToText" -> KeyValue.pair(windowText(key), value == null ? null : value + "");
      default -> throw unknown(name);
    };
  }

  static Object selectKey(String name, Object key, Object value) {
    return switch (name) {
      case "same" -> key;
      case "firstLetter" -> firstLetter(value);
      case "value" -> value;
      case "constant" -> "k";
      case "null" -> null;
      case "window" -> windowText(key);
      default -> throw unknown(name);
    };
  }

  static List<Object> flatMapValue(String name, Object value) {
    return switch (name) {
      case "splitWords" -> new ArrayList<>(words(value));
      case "twice" -> Arrays.asList(value, value);
      case "nothing" -> List.of();
      default -> throw unknown(name);
    };
  }

  static List<KeyValue<Object, Object>> flatMap(String name, Object key, Object value) {
    List<KeyValue<Object, Object>> found = new ArrayList<>();
    switch (name) {
      case "wordsAsKeys" -> words(value).forEach(word -> found.add(KeyValue.pair(word, key)));
      case "twice" -> {
        found.add(KeyValue.pair(key, value));
        found.add(KeyValue.pair(value, value));
      }
      default -> throw unknown(name);
    }
    return found;
  }

  static boolean test(String name, Object key, Object value) {
    return switch (name) {
      case "keepEven" -> value != null && text(value).length() % 2 == 0;
      case "hasKey" -> key != null;
      case "hasValue" -> value != null;
      case "startsWithA" -> value != null && text(value).startsWith("a");
      case "all" -> true;
      case "none" -> false;
      default -> throw unknown(name);
    };
  }

  /** An aggregate of text begins empty. */
  static Object fold(String name, Object key, Object value, Object before) {
    return switch (name) {
      case "concat" -> before + "," + value;
      case "keyed" -> "" + before + key + value + ";";
      case "dropOnX" -> "x".equals(value) ? null : before + "," + value;
      default -> throw unknown(name);
    };
  }

  static Object reduce(String name, Object left, Object right) {
    return switch (name) {
      case "concat" -> left + "," + right;
      case "last" -> right;
      case "longer" -> text(right).length() > text(left).length() ? right : left;
      case "sum" ->
          left instanceof Long
              ? (Object) ((Long) left + (Long) right)
              : left instanceof Integer ? (Object) ((Integer) left + (Integer) right)
              : (Object) ((Double) left + (Double) right);
      case "min" -> compare(left, right) <= 0 ? left : right;
      case "max" -> compare(left, right) >= 0 ? left : right;
      default -> throw unknown(name);
    };
  }

  /** What a named function returns; as `typeAfter` of functions.ts. */
  static String typeAfter(String name, String before) {
    return switch (name) {
      case "lengthAsLong" -> "int64";
      case "identity", "twice", "nothing", "firstLetterKey" -> before;
      default -> "text";
    };
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static int compare(Object left, Object right) {
    return ((Comparable) left).compareTo(right);
  }

  private static String text(Object value) {
    return (String) value;
  }

  private static Object firstLetter(Object value) {
    String text = text(value);
    return text == null || text.isEmpty() ? null : text.substring(0, text.offsetByCodePoints(0, 1));
  }

  private static String windowText(Object key) {
    Windowed<?> windowed = (Windowed<?>) key;
    return windowed.key() + "@" + windowed.window().start() + "-" + windowed.window().end();
  }

  private static List<String> words(Object value) {
    if (value == null) return List.of();
    List<String> found = new ArrayList<>(Arrays.asList(text(value).split(" ")));
    found.removeIf(String::isEmpty);
    return found;
  }

  private static IllegalArgumentException unknown(String name) {
    return new IllegalArgumentException("there is no function " + name + " here");
  }
}
