package io.outrigger;

import java.util.Iterator;

/**
 * The entries of a range. Closing it is good manners and frees nothing: it holds a page at most, and is
 * of no use once its record is done.
 *
 * @param <K> the type of the keys
 * @param <V> the type of the values
 */
public interface KeyValueIterator<K, V> extends Iterator<KeyValue<K, V>>, AutoCloseable {
  /** Ends the iteration: nothing follows. */
  @Override
  void close();
}
