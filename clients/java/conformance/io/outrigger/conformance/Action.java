package io.outrigger.conformance;

import com.fasterxml.jackson.annotation.JsonProperty;

/** One action of a command; docs/sdks.md says what each does. */
record Action(
    @JsonProperty("do") String verb,
    String key,
    String value,
    String from,
    String to,
    boolean reverse,
    Long timestamp,
    String[][] headers,
    long ms,
    String message,
    String verdict,
    Long afterMs,
    String unless) {}
