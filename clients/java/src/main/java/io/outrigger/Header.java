package io.outrigger;

import java.nio.charset.StandardCharsets;

/**
 * A record's header. Duplicate keys and their order are kept.
 *
 * @param key the key
 * @param value the value; null is not the same as empty. It must not be changed
 */
public record Header(String key, byte[] value) {
  /**
   * Refuses a header without a key.
   *
   * @param key the key
   * @param value the value; null is not the same as empty
   */
  public Header {
    if (key == null) throw new IllegalArgumentException("a header's key is null: give it a name");
  }

  /**
   * A header of text, in UTF-8.
   *
   * @param key the key
   * @param text the value; null for a null one
   * @return the header
   */
  public static Header of(String key, String text) {
    return new Header(key, text == null ? null : text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * The value as text.
   *
   * @return the value read as UTF-8; null where it is null
   */
  public String text() {
    return value == null ? null : new String(value, StandardCharsets.UTF_8);
  }
}
