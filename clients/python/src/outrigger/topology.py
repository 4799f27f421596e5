"""The topology under construction: what is declared to the sidecar, and the code that runs here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .gen import topology_pb2 as pb
from .serdes import Serde

if TYPE_CHECKING:
    from .emitter import Emitter
    from .record import Record
    from .straight import Straight
    from .timers import Firing, TimedCode

NodeCode = Callable[["Record[Any, Any]", "Emitter"], "Awaitable[None] | None"]
"""What a node does with one record; an awaitable only where it must wait."""


_TIMERS_SINCE_MINOR = 6


@dataclass(frozen=True)
class Serdes:
    key: Serde[Any]
    value: Serde[Any]


@dataclass
class Node:
    """A node, as far as this side knows it: built-in ones run in the sidecar."""

    name: str
    # How the records that reach this node are read and written, where they come or go over the
    # wire.
    input: Serdes
    # None for nodes that never run here.
    code: NodeCode | None = None
    # The stores that its context opens.
    stores: tuple[str, ...] = ()
    # The store of an aggregate that runs here.
    aggregates: str | None = None
    # Whether handlers ask for it by its name.
    is_hook: bool = False
    # Whether its code waits, so that it must run on an event loop.
    is_async: bool = False
    # What a clock calls.
    timed: TimedCode | None = None
    # The same, ready to run: with a record, and what it tells.
    fire: Callable[[Record[Any, Any], Firing, Emitter], Awaitable[None] | None] | None = None
    # The same as its code, for a stage that has but it and one sink; None where it takes records.
    straight: Straight | None = None
    children: list[str] = field(default_factory=list)


class TopologyBuilder:
    def __init__(self, defaults: Serdes) -> None:
        # For sources and sinks that name no serdes.
        self.defaults = defaults
        self.nodes: dict[str, Node] = {}
        self._declared: list[pb.Node] = []
        self._hooks: list[pb.Node] = []
        self._stores: dict[str, pb.Store] = {}

    def serdes(self, key: Serde[Any] | None, value: Serde[Any] | None) -> Serdes:
        return Serdes(key or self.defaults.key, value or self.defaults.value)

    def add(
        self,
        kind: str,
        declared: pb.Node,
        parents: tuple[str, ...],
        name: str | None,
        node: Node,
    ) -> str:
        """Adds a node under its parents; a name is made from the order where none was given."""
        node.name = name or f"{kind}-{len(self.nodes) + 1:02}"
        if node.name in self.nodes:
            raise ValueError(f'two nodes are named "{node.name}": give one another name')
        declared.name = node.name
        for parent in parents:
            declared.parents.append(parent)
            self.nodes[parent].children.append(node.name)
        self._declared.append(declared)
        self.nodes[node.name] = node
        return node.name

    def add_hook(self, declared: pb.Node, node: Node) -> None:
        """Adds a hook: every ``process`` may ask for it, so its parents are known at the end."""
        if node.name in self.nodes:
            raise ValueError(f'two nodes are named "{node.name}": give one another name')
        self._hooks.append(declared)
        self.nodes[node.name] = node

    def add_store(self, name: str, kind: pb.StoreKind, ttl_ms: int = 0) -> None:
        known = self._stores.get(name)
        if known is not None and (known.kind != kind or known.ttl_ms != ttl_ms):
            raise ValueError(f'the store "{name}" is declared as two kinds: rename one')
        self._stores[name] = pb.Store(name=name, kind=kind, ttl_ms=ttl_ms)

    def store_name(self, given: str | None, what: str) -> str:
        """A name that stays the same as long as the order of the calls does."""
        return given or f"{what}-store-{len(self._stores) + 1:02}"

    @property
    def minor_needed(self) -> int:
        """Of the sidecar's protocol: an older one would leave timers out without a word."""
        timed = any(node.timed is not None for node in self.nodes.values())
        return _TIMERS_SINCE_MINOR if timed else 1

    def build(self) -> pb.Topology:
        parents = [
            node.name
            for node in self._declared
            if node.HasField("function") and node.function.operation == pb.OPERATION_PROCESS
        ]
        if self._hooks and not parents:
            raise ValueError(
                f'nothing can ask for the hook "{self._hooks[0].name}": declare a process that does'
            )
        hooks = [pb.Node(name=hook.name, parents=parents, hook=hook.hook) for hook in self._hooks]
        nodes = self._declared + hooks
        return pb.Topology(nodes=nodes, stores=list(self._stores.values()))
