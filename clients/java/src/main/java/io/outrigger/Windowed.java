package io.outrigger;

/**
 * The key of a windowed aggregate's result.
 *
 * @param <K> the key's type
 * @param key the records' key
 * @param window the window that they fell into
 */
public record Windowed<K>(K key, Window window) {}
