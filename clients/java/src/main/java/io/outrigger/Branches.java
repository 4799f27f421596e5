package io.outrigger;

import java.util.ArrayList;
import java.util.List;

/** Hands each record to one of a node's children, which are its branches in their order. */
final class Branches implements NodeCode {
  private final List<Predicate<Object, Object>> predicates = new ArrayList<>();
  boolean hasDefault;

  /** Adds a branch; returns its position, from 1 on. */
  int add(Predicate<Object, Object> predicate) {
    predicates.add(predicate);
    return predicates.size();
  }

  @Override
  public void run(Record<Object, Object> record, Emitter emitter) throws Exception {
    for (int index = 0; index < predicates.size(); index++) {
      if (predicates.get(index).test(record.key(), record.value())) {
        emitter.child(index).run(record);
        return;
      }
    }
    if (hasDefault) emitter.child(predicates.size()).run(record);
  }
}
