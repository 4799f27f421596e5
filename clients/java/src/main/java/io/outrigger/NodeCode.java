package io.outrigger;

/** What a node does with one record. */
@FunctionalInterface
interface NodeCode {
  void run(Record<Object, Object> record, Emitter emitter) throws Exception;
}
