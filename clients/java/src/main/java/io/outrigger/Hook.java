package io.outrigger;

/**
 * A hook that was declared: ask for it by {@link ProcessorContext#afterCommit}.
 *
 * @param <P> the type of the payload that it takes
 */
public final class Hook<P> {
  final String name;

  Hook(String name) {
    this.name = name;
  }

  /**
   * Its name.
   *
   * @return the name
   */
  public String name() {
    return name;
  }
}
