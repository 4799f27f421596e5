package io.outrigger;

/** When an aggregate forwards its results, as in Kafka Streams; {@link #onCommit} is the sidecar's own. */
public final class EmitStrategy {
  final io.outrigger.gen.v1.EmitStrategy wire;

  private EmitStrategy(io.outrigger.gen.v1.EmitStrategy wire) {
    this.wire = wire;
  }

  /**
   * Each update is forwarded, windowed or not: what holds where nothing is said.
   *
   * @return the strategy
   */
  public static EmitStrategy onWindowUpdate() {
    return new EmitStrategy(io.outrigger.gen.v1.EmitStrategy.EMIT_STRATEGY_ON_WINDOW_UPDATE);
  }

  /**
   * Each window is forwarded once, when stream time has passed its end and its grace (KIP-825), with the
   * latest time of its records. What your code folds is forwarded as its store has it: a sink right behind it
   * that writes keys or values otherwise is refused at the first record.
   *
   * @return the strategy
   */
  public static EmitStrategy onWindowClose() {
    return new EmitStrategy(io.outrigger.gen.v1.EmitStrategy.EMIT_STRATEGY_ON_WINDOW_CLOSE);
  }

  /**
   * Each key that a commit changed is forwarded once, with its last value, in that commit; windowed or not,
   * with topics and repartitions behind it.
   *
   * @return the strategy
   */
  public static EmitStrategy onCommit() {
    return new EmitStrategy(io.outrigger.gen.v1.EmitStrategy.EMIT_STRATEGY_ON_COMMIT);
  }
}
