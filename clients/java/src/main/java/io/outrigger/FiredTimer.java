package io.outrigger;

/**
 * A timer that fires.
 *
 * @param <K> the key's type
 * @param key the key that it was set for
 * @param name its name
 * @param time when it was to fire, in ms since 1970 in UTC; what is forwarded has this time unless it says
 *     another
 * @param clock what it went by
 * @param idempotencyKey the same on every attempt, as a record's
 */
public record FiredTimer<K>(
    K key, String name, long time, TimerClock clock, String idempotencyKey) {}
