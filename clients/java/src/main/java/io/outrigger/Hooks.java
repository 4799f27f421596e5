package io.outrigger;

import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** The hooks of a topology: every process may ask for each. */
final class Hooks {
  private final List<Node> declared = new ArrayList<>();

  /** Declares one; its parents are known when the topology is whole. */
  <K, P> Hook<P> add(
      TopologyBuilder builder,
      String name,
      Consumed<K, P> requests,
      HookHandler<K, P> handler,
      FailurePolicy policy) {
    Objects.requireNonNull(name, "the name of a hook is null");
    Objects.requireNonNull(handler, "the hook's code is null");
    SerdePair serdes = SerdePair.of(requests.keySerde, requests.valueSerde);
    TopologyNode node = builder.addHook(name, serdes);
    node.hook = serdes;
    node.code = () -> codeOf(handler);
    var hook = io.outrigger.gen.v1.Hook.newBuilder();
    if (policy != null) hook.setFailurePolicy(policy.wire);
    declared.add(Node.newBuilder().setName(name).setHook(hook).build());
    return new Hook<>(name);
  }

  /** The nodes to declare behind the others. */
  List<Node> nodes(List<Node> others) {
    List<String> parents = others.stream().filter(Hooks::canAsk).map(Node::getName).toList();
    if (!declared.isEmpty() && parents.isEmpty()) {
      throw new IllegalStateException(
          "nothing can ask for the hook \""
              + declared.get(0).getName()
              + "\": declare a process that does");
    }
    return declared.stream().map(hook -> hook.toBuilder().addAllParents(parents).build()).toList();
  }

  private static boolean canAsk(Node node) {
    return node.getFunction().getOperation() == Operation.OPERATION_PROCESS;
  }

  // The builder's types have seen to it that the handler takes what its serdes read.
  @SuppressWarnings("unchecked")
  private static NodeCode codeOf(HookHandler<?, ?> handler) {
    HookHandler<Object, Object> code = (HookHandler<Object, Object>) handler;
    return (request, emitter) -> code.run(request, contextOf(emitter.run.control()));
  }

  private static HookContext contextOf(BatchControl control) {
    return new HookContext() {
      @Override
      public boolean isRevoked() {
        return control.isTaken();
      }

      @Override
      public void onRevoked(Runnable action) {
        control.onTaken(action);
      }
    };
  }
}
