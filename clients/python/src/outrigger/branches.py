"""Streams on their way into branches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .emitter import Emitter
from .gen import topology_pb2 as pb
from .record import Record
from .topology import Node
from .upstream import Upstream

if TYPE_CHECKING:
    from .streams import KStream

K = TypeVar("K")
V = TypeVar("V")

Predicate = Callable[[Record[Any, Any]], bool]


class BranchedKStream(Generic[K, V]):
    """Each record goes to the first branch whose predicate holds. A branch without a name is named
    by its number, from 1 on, and a default branch ``0``, as Kafka Streams does."""

    def __init__(
        self,
        upstream: Upstream,
        predicates: list[Predicate],
        stream_of: Callable[[Upstream], KStream[Any, Any]],
    ) -> None:
        # The branching node.
        self._upstream = upstream
        self._predicates = predicates
        self._stream_of = stream_of
        self._branches: dict[str, KStream[K, V]] = {}
        self._is_complete = False

    def branch(
        self, predicate: Callable[[Record[K, V]], bool], name: str | None = None
    ) -> BranchedKStream[K, V]:
        """The next branch. Its name is part of its node's, ``<split>-<name>``, and stands in the
        result."""
        self._add(name or str(len(self._branches) + 1), predicate)
        return self

    def default_branch(self, name: str = "0") -> dict[str, KStream[K, V]]:
        """What none of the branches takes, and all branches by name."""
        self._add(name, lambda record: True)
        return self.no_default_branch()

    def no_default_branch(self) -> dict[str, KStream[K, V]]:
        """All branches by name; what none of them takes goes nowhere."""
        self._is_complete = True
        return dict(self._branches)

    def _add(self, name: str, predicate: Predicate) -> None:
        upstream = self._upstream
        (split,) = upstream.nodes
        if self._is_complete:
            raise ValueError(f'the branches of "{split}" are complete already')
        declared = pb.Node(function=pb.Function(operation=pb.OPERATION_PEEK))
        node = Node("", upstream.serdes(), code=_pass)
        added = upstream.builder.add("function", declared, upstream.nodes, f"{split}-{name}", node)
        self._predicates.append(predicate)
        self._branches[name] = self._stream_of(
            upstream.after(added, keeps_key=True, keeps_value=True)
        )


def _pass(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
    return emitter.forward(record)
