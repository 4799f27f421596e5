"""Streams of records. Nothing runs before ``app.run()``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar, overload

from .context import AsyncProcessorContext, ProcessorContext
from .emitter import Emitter, Fold
from .failures import FailurePolicy
from .gen import topology_pb2 as pb
from .hooks import is_waiting
from .record import Record
from .serdes import Serde, int64
from .stores import KeyValueStoreDefinition
from .topology import Node, NodeCode, Serdes, TopologyBuilder
from .windows import TumblingWindows, Windowed, windowed

K = TypeVar("K")
V = TypeVar("V")
K2 = TypeVar("K2")
V2 = TypeVar("V2")

Handler = Callable[[Record[K, V], ProcessorContext[K2, V2]], None]
AsyncHandler = Callable[[Record[K, V], AsyncProcessorContext[K2, V2]], Awaitable[None]]
Stores = Sequence[KeyValueStoreDefinition[Any, Any]]


class KStream(Generic[K, V]):
    """A stream of records with keys K and values V; made by ``app.stream`` and by streams."""

    def __init__(self, builder: TopologyBuilder, node: str, serdes: Serdes) -> None:
        self._builder = builder
        self._node = node
        self._serdes = serdes

    @overload
    def process(
        self,
        handler: AsyncHandler[K, V, K2, V2],
        *,
        stores: Stores = (),
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K2, V2]: ...
    @overload
    def process(
        self,
        handler: Handler[K, V, K2, V2],
        *,
        stores: Stores = (),
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K2, V2]: ...
    def process(
        self,
        handler: Any,
        *,
        stores: Stores = (),
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[Any, Any]:
        """Runs your code on each record, in the order of its partition. ``def`` handlers may block,
        those of ``async def`` await. A handler that raises leaves nothing of its record behind;
        what becomes of it, ``failure_policy`` says, or else the sidecar's configuration."""
        for store in stores:
            self._builder.add_store(store.name, pb.STORE_KIND_KEY_VALUE)
        names = tuple(store.name for store in stores)
        is_async = is_waiting(handler)
        code = _waiting(handler) if is_async else _blocking(handler)
        added = self._function(pb.OPERATION_PROCESS, name, code, failure_policy, names)
        self._builder.nodes[added._node].is_async = is_async
        return added

    def map(
        self,
        mapper: Callable[[Record[K, V]], tuple[K2, V2]],
        *,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K2, V2]:
        """One record for one: returns the new key and value, as a tuple or a KeyValue."""

        def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
            key, value = mapper(record)
            return emitter.forward(record.followed_by(key, value, None, None))

        return self._function(pb.OPERATION_MAP, name, code, failure_policy)

    def map_values(
        self,
        mapper: Callable[[V], V2],
        *,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K, V2]:
        """One record for one; the key stays."""

        def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
            value = mapper(record.value)
            return emitter.forward(record.followed_by(record.key, value, None, None))

        return self._function(pb.OPERATION_MAP_VALUES, name, code, failure_policy)

    def filter(
        self,
        predicate: Callable[[Record[K, V]], bool],
        *,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K, V]:
        """The record or nothing."""

        def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
            return emitter.forward(record) if predicate(record) else None

        return self._function(pb.OPERATION_FILTER, name, code, failure_policy)

    def group_by_key(self) -> KGroupedStream[K, V]:
        """Groups by the key that the records have."""
        return KGroupedStream(self._builder, self._node, self._serdes)

    def to(
        self,
        topic: str,
        *,
        key: Serde[K] | None = None,
        value: Serde[V] | None = None,
        name: str | None = None,
    ) -> None:
        """Writes a topic that must exist, with these serdes, or the application's default ones."""
        node = Node("", self._serdes, sink=self._builder.serdes(key, value))
        self._builder.add("sink", pb.Node(sink=pb.Sink(topic=topic)), self._node, name, node)

    def _function(
        self,
        operation: pb.Operation,
        name: str | None,
        code: NodeCode,
        policy: FailurePolicy | None,
        stores: tuple[str, ...] = (),
    ) -> KStream[Any, Any]:
        function = pb.Function(operation=operation, stores=stores, failure_policy=_wire(policy))
        declared = pb.Node(function=function)
        node = Node("", self._serdes, code=code, stores=stores)
        added = self._builder.add("function", declared, self._node, name, node)
        # What follows gets values, not bytes: only a stage's entry reads, and only a sink writes.
        return KStream(self._builder, added, self._serdes)


def _blocking(handler: Handler[Any, Any, Any, Any]) -> NodeCode:
    def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
        context: ProcessorContext[Any, Any] = ProcessorContext(emitter, record)
        try:
            handler(record, context)
        except BaseException as error:
            context.fail(error)
            raise
        return context.finish()

    return code


def _waiting(handler: AsyncHandler[Any, Any, Any, Any]) -> NodeCode:
    async def code(record: Record[Any, Any], emitter: Emitter) -> None:
        context: AsyncProcessorContext[Any, Any] = AsyncProcessorContext(emitter, record)
        try:
            await handler(record, context)
        except BaseException as error:
            context.fail(error)
            raise
        pending = context.finish()
        if pending is not None:
            await pending

    return code


class KGroupedStream(Generic[K, V]):
    """Records grouped by key: fold them over all time, or by windows."""

    def __init__(self, builder: TopologyBuilder, node: str, serdes: Serdes) -> None:
        self._builder = builder
        self._node = node
        self._serdes = serdes

    def windowed_by(self, windows: TumblingWindows) -> TimeWindowedKStream[K, V]:
        return TimeWindowedKStream(self._builder, self._node, self._serdes, windows)

    def aggregate(
        self,
        initializer: Callable[[], V2],
        aggregator: Callable[[K, V, V2], V2],
        *,
        value: Serde[V2],
        store: str | None = None,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K, V2]:
        """Folds the records of each key here, in your code; forwards each new value. ``store`` is
        the store's name; its changelog is ``<application.id>-<store>-changelog``."""
        folding = (initializer, aggregator, value)
        return _add_aggregate(self, None, folding, store, name, failure_policy)

    def count(self, *, store: str | None = None, name: str | None = None) -> KStream[K, int]:
        """Counts the records of each key, in the sidecar."""
        return _add_count(self, None, store, name)


class TimeWindowedKStream(Generic[K, V]):
    """Records grouped by key and window."""

    def __init__(
        self, builder: TopologyBuilder, node: str, serdes: Serdes, windows: TumblingWindows
    ) -> None:
        self._builder = builder
        self._node = node
        self._serdes = serdes
        self._windows = windows

    def aggregate(
        self,
        initializer: Callable[[], V2],
        aggregator: Callable[[K, V, V2], V2],
        *,
        value: Serde[V2],
        store: str | None = None,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[Windowed[K], V2]:
        """Folds the records of each key and window, in your code; forwards each new value under the
        windowed key. A record too late for its window is dropped and counted by the sidecar."""
        folding = (initializer, aggregator, value)
        return _add_aggregate(self, self._windows, folding, store, name, failure_policy)

    def count(
        self, *, store: str | None = None, name: str | None = None
    ) -> KStream[Windowed[K], int]:
        """Counts the records of each key and window, in the sidecar."""
        return _add_count(self, self._windows, store, name)


_Grouped = KGroupedStream[Any, Any] | TimeWindowedKStream[Any, Any]
_Folding = tuple[Callable[[], Any], Callable[[Any, Any, Any], Any], Serde[Any]]


def _add_aggregate(
    grouped: _Grouped,
    windows: TumblingWindows | None,
    folding: _Folding,
    store: str | None,
    name: str | None,
    policy: FailurePolicy | None,
) -> KStream[Any, Any]:
    builder, serdes = grouped._builder, grouped._serdes
    initializer, aggregator, value = folding
    store = builder.store_name(store, "aggregate")
    size_ms = None if windows is None else windows.size_ms
    fold = Fold(store, size_ms, value, initializer, aggregator)
    declared = _declare(builder, store, pb.AGGREGATOR_APPLICATION, windows)
    if policy is not None:
        declared.aggregate.failure_policy.CopyFrom(policy.wire())
    node = Node("", serdes, code=lambda record, emitter: emitter.fold(record, fold))
    node.aggregates = store
    added = builder.add("aggregate", declared, grouped._node, name, node)
    return KStream(builder, added, serdes)


def _add_count(
    grouped: _Grouped, windows: TumblingWindows | None, store: str | None, name: str | None
) -> KStream[Any, int]:
    builder, serdes = grouped._builder, grouped._serdes
    store = builder.store_name(store, "count")
    declared = _declare(builder, store, pb.AGGREGATOR_COUNT, windows)
    added = builder.add("aggregate", declared, grouped._node, name, Node("", serdes))
    key = serdes.key if windows is None else windowed(serdes.key, windows.size_ms)
    return KStream(builder, added, Serdes(key, int64))


def _declare(
    builder: TopologyBuilder,
    store: str,
    aggregator: pb.Aggregator,
    windows: TumblingWindows | None,
) -> pb.Node:
    kind = pb.STORE_KIND_KEY_VALUE if windows is None else pb.STORE_KIND_WINDOW
    builder.add_store(store, kind)
    tumbling = None
    if windows is not None:
        tumbling = pb.TumblingWindows(size_ms=windows.size_ms, grace_ms=windows.grace_ms)
    return pb.Node(aggregate=pb.Aggregate(store=store, aggregator=aggregator, tumbling=tumbling))


def _wire(policy: FailurePolicy | None) -> pb.FailurePolicy | None:
    return None if policy is None else policy.wire()
