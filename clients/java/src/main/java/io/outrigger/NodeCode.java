package io.outrigger;

/** What a node does with one record. */
@FunctionalInterface
interface NodeCode {
  void run(Record<Object, Object> record, Emitter emitter) throws Exception;

  /** What it does with a timer or a punctuation, which the record tells of; without them nothing. */
  default void fire(Record<Object, Object> record, Firing firing, Emitter emitter)
      throws Exception {}
}
