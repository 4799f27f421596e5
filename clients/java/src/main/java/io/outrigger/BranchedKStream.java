package io.outrigger;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Parts a stream: each record goes to the first branch whose predicate holds, else to the default branch,
 * else nowhere.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class BranchedKStream<K, V> {
  private final KStreamNodes<K, V> split;
  private final Branches branches;
  private final Map<String, KStream<K, V>> declared = new LinkedHashMap<>();

  BranchedKStream(KStreamNodes<K, V> split, Branches branches) {
    this.split = split;
    this.branches = branches;
  }

  /**
   * Adds a branch for the records of which a predicate holds, and that no branch before it took.
   *
   * @param predicate says which
   * @return these branches
   */
  public BranchedKStream<K, V> branch(Predicate<? super K, ? super V> predicate) {
    return branch(predicate, Branched.byPosition());
  }

  /**
   * The same with a name, or with what becomes of it.
   *
   * @param predicate says which records it takes
   * @param branched what the branch is called, and what becomes of it
   * @return these branches
   * @throws IllegalStateException behind the default branch
   */
  @SuppressWarnings("unchecked")
  public BranchedKStream<K, V> branch(
      Predicate<? super K, ? super V> predicate, Branched<K, V> branched) {
    Objects.requireNonNull(predicate, "the predicate is null");
    mustHaveNoDefault();
    declare(branches.add((Predicate<Object, Object>) predicate), branched);
    return this;
  }

  /**
   * Adds a branch for the records that no branch took.
   *
   * @return the branches by the names of their nodes: {@code <split>-<name>}; {@code <split>-1} and so on
   *     where they have none, {@code <split>-0} the default one
   */
  public Map<String, KStream<K, V>> defaultBranch() {
    return defaultBranch(Branched.byPosition());
  }

  /**
   * The same with a name, or with what becomes of it.
   *
   * @param branched what the branch is called, and what becomes of it
   * @return the branches by the names of their nodes
   * @throws IllegalStateException where there is one
   */
  public Map<String, KStream<K, V>> defaultBranch(Branched<K, V> branched) {
    mustHaveNoDefault();
    branches.hasDefault = true;
    declare(0, branched);
    return noDefaultBranch();
  }

  /**
   * Lets the records that no branch took end here.
   *
   * @return the branches by the names of their nodes
   */
  public Map<String, KStream<K, V>> noDefaultBranch() {
    return new LinkedHashMap<>(declared);
  }

  private void declare(int position, Branched<K, V> branched) {
    String own = branched.name == null ? Integer.toString(position) : branched.name;
    String name = split.nodes().get(0) + "-" + own;
    KStream<K, V> followed = branched.chain.apply(split.through(name));
    if (followed != null) declared.put(name, followed);
  }

  private void mustHaveNoDefault() {
    if (!branches.hasDefault) return;
    throw new IllegalStateException("nothing comes behind the default branch: declare it last");
  }
}
