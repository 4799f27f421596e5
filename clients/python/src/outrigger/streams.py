"""Streams of records. Nothing runs before ``app.run()``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar, overload

from .aggregates import Grouping
from .branches import BranchedKStream
from .branches import Predicate as _Predicate
from .context import (
    AsyncFixedKeyProcessorContext,
    AsyncProcessorContext,
    FixedKeyProcessorContext,
    ProcessorContext,
)
from .emitter import Emitter
from .failures import FailurePolicy
from .gen import topology_pb2 as pb
from .grouped import KGroupedStream
from .handlers import code_of, fire_of
from .hooks import is_waiting
from .record import Record
from .serdes import Serde
from .stores import KeyValueStoreDefinition, TimestampedKeyValueStoreDefinition
from .straight import Straight, straight_records, straight_values
from .suppressed import Suppressed
from .timers import FiredTimer, Punctuator, TimedCode
from .topology import Node, NodeCode
from .upstream import Upstream, merged

K = TypeVar("K")
V = TypeVar("V")
K2 = TypeVar("K2")
V2 = TypeVar("V2")

Handler = Callable[[Record[K, V], ProcessorContext[K2, V2]], None]
AsyncHandler = Callable[[Record[K, V], AsyncProcessorContext[K2, V2]], Awaitable[None]]
ValueHandler = Callable[[Record[K, V], FixedKeyProcessorContext[V2]], None]
AsyncValueHandler = Callable[[Record[K, V], AsyncFixedKeyProcessorContext[V2]], Awaitable[None]]
TimerHandler = Callable[[FiredTimer[K], ProcessorContext[K2, V2]], None]
AsyncTimerHandler = Callable[[FiredTimer[K], AsyncProcessorContext[K2, V2]], Awaitable[None]]
ValueTimerHandler = Callable[[FiredTimer[K], FixedKeyProcessorContext[V2]], None]
AsyncValueTimerHandler = Callable[
    [FiredTimer[K], AsyncFixedKeyProcessorContext[V2]], Awaitable[None]
]
Stores = Sequence[KeyValueStoreDefinition[Any, Any] | TimestampedKeyValueStoreDefinition[Any, Any]]


class KStream(Generic[K, V]):
    """A stream of records with keys K and values V; made by ``app.stream`` and by streams."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    @overload
    def process(
        self,
        handler: AsyncHandler[K, V, K2, V2],
        *,
        stores: Stores = (),
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
        on_timer: AsyncTimerHandler[K, K2, V2] | None = None,
        punctuators: Sequence[Punctuator] = (),
    ) -> KStream[K2, V2]: ...
    @overload
    def process(
        self,
        handler: Handler[K, V, K2, V2],
        *,
        stores: Stores = (),
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
        on_timer: TimerHandler[K, K2, V2] | None = None,
        punctuators: Sequence[Punctuator] = (),
    ) -> KStream[K2, V2]: ...
    def process(
        self,
        handler: Any,
        *,
        stores: Stores = (),
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
        on_timer: Any = None,
        punctuators: Sequence[Punctuator] = (),
    ) -> KStream[Any, Any]:
        """Runs your code on each record, in the order of its partition. ``def`` handlers may block,
        those of ``async def`` await. A handler that raises leaves nothing of its record behind;
        what becomes of it, ``failure_policy`` says, or else the sidecar's configuration. With
        ``on_timer`` the code may set timers; ``punctuators`` are called by a clock."""
        code = code_of(handler, ProcessorContext, AsyncProcessorContext)
        timed = TimedCode(on_timer, tuple(punctuators))
        added = self._add(pb.OPERATION_PROCESS, "", name, code, failure_policy, stores, timed)
        return self._processed(added, handler, timed, ProcessorContext, AsyncProcessorContext)

    @overload
    def process_values(
        self,
        handler: AsyncValueHandler[K, V, V2],
        *,
        stores: Stores = (),
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
        on_timer: AsyncValueTimerHandler[K, V2] | None = None,
    ) -> KStream[K, V2]: ...
    @overload
    def process_values(
        self,
        handler: ValueHandler[K, V, V2],
        *,
        stores: Stores = (),
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
        on_timer: ValueTimerHandler[K, V2] | None = None,
    ) -> KStream[K, V2]: ...
    def process_values(
        self,
        handler: Any,
        *,
        stores: Stores = (),
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
        on_timer: Any = None,
    ) -> KStream[Any, Any]:
        """As ``process``, under the record's own key: ``ctx.forward(value)``. It asks for no
        hooks."""
        kinds = (FixedKeyProcessorContext, AsyncFixedKeyProcessorContext)
        code = code_of(handler, *kinds)
        timed = TimedCode(on_timer, ())
        operation = pb.OPERATION_PROCESS_VALUES
        added = self._add(operation, "key", name, code, failure_policy, stores, timed)
        return self._processed(added, handler, timed, *kinds)

    def _processed(
        self, added: Upstream, handler: Any, timed: TimedCode, blocking: Any, waiting: Any
    ) -> KStream[Any, Any]:
        (name,) = added.nodes
        node = added.builder.nodes[name]
        handlers = [handler, timed.on_timer, *(each.on_punctuate for each in timed.punctuators)]
        node.is_async = any(is_waiting(each) for each in handlers)
        if timed.on_timer is not None or timed.punctuators:
            node.timed = timed
            node.fire = fire_of(timed, blocking, waiting)
        return KStream(added)

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

        straight = straight_records(mapper)
        return self._function(pb.OPERATION_MAP, "", name, code, failure_policy, straight)

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

        operation, straight = pb.OPERATION_MAP_VALUES, straight_values(mapper)
        return self._function(operation, "key", name, code, failure_policy, straight)

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

        def made(record: Record[Any, Any]) -> tuple[Any, Any] | None:
            return (record.key, record.value) if predicate(record) else None

        operation, straight = pb.OPERATION_FILTER, straight_records(made, drops=True)
        return self._function(operation, "key value", name, code, failure_policy, straight)

    def filter_not(
        self,
        predicate: Callable[[Record[K, V]], bool],
        *,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K, V]:
        """The records that the predicate does not hold for."""
        return self.filter(
            lambda record: not predicate(record), name=name, failure_policy=failure_policy
        )

    def flat_map(
        self,
        mapper: Callable[[Record[K, V]], Iterable[tuple[K2, V2]]],
        *,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K2, V2]:
        """Any number of records for one, in the order given: keys and values, as tuples or
        KeyValues."""

        def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
            given = mapper(record)
            return emitter.forward_each(
                [record.followed_by(key, value, None, None) for key, value in given]
            )

        return self._function(pb.OPERATION_FLAT_MAP, "", name, code, failure_policy)

    def flat_map_values(
        self,
        mapper: Callable[[V], Iterable[V2]],
        *,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K, V2]:
        """Any number of records for one, in the order given; the key stays."""

        def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
            key, given = record.key, mapper(record.value)
            return emitter.forward_each(
                [record.followed_by(key, value, None, None) for value in given]
            )

        return self._function(pb.OPERATION_FLAT_MAP_VALUES, "key", name, code, failure_policy)

    def select_key(
        self,
        selector: Callable[[Record[K, V]], K2],
        *,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K2, V]:
        """One record for one, under another key."""

        def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
            return emitter.forward(record.followed_by(selector(record), record.value, None, None))

        return self._function(pb.OPERATION_SELECT_KEY, "value", name, code, failure_policy)

    def peek(
        self,
        action: Callable[[Record[K, V]], None],
        *,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[K, V]:
        """Shows each record to your code, and goes on with it as it is."""

        def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
            action(record)
            return emitter.forward(record)

        return self._function(pb.OPERATION_PEEK, "key value", name, code, failure_policy)

    def split(
        self, *, name: str | None = None, failure_policy: FailurePolicy | None = None
    ) -> BranchedKStream[K, V]:
        """Into branches: ``.branch(predicate, name)`` for each, then ``.default_branch(name)`` or
        ``.no_default_branch()``, which return the streams by name. Each record goes to the first
        branch whose predicate holds."""
        predicates: list[_Predicate] = []

        def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
            for branch, predicate in enumerate(predicates):
                if predicate(record):
                    return emitter.forward_to(branch, record)
            return None

        added = self._add(pb.OPERATION_BRANCH, "key value", name, code, failure_policy)
        return BranchedKStream(added, predicates, KStream)

    def merge(self, other: KStream[K, V]) -> KStream[K, V]:
        """The records of both streams, in no order between them. Raises ValueError where both read
        their keys, or their values, with different serdes."""
        return KStream(merged(self._upstream, other._upstream))

    def repartition(
        self,
        *,
        partitions: int = 0,
        key: Serde[K] | None = None,
        value: Serde[V] | None = None,
        name: str | None = None,
    ) -> KStream[K, V]:
        """Gives each record to the task that its key belongs to, through the topic
        ``<application.id>-<name>-repartition``, which is the sidecar's. ``partitions``: as many as
        the most of the sources above where it is 0. Raises ValueError for fewer."""
        if partitions < 0:
            raise ValueError(f"a topic of {partitions} partitions is none: give 1 or more")
        upstream = self._upstream.named(key, value)
        serdes = upstream.serdes()
        declared = pb.Node(repartition=pb.Repartition(partitions=partitions))
        node = Node("", serdes)
        added = upstream.builder.add("repartition", declared, upstream.nodes, name, node)
        return KStream(Upstream(upstream.builder, (added,), serdes.key, serdes.value))

    def suppress(self, suppressed: Suppressed, *, name: str | None = None) -> KStream[K, V]:
        """Holds the results of an aggregate back until they are final, or for a time: right behind
        the aggregate. What is held back is in a store of the node, ``<name>-store``."""
        upstream = self._upstream
        declared = pb.Node(suppress=suppressed.wire())
        node = Node("", upstream.serdes())
        added = upstream.builder.add("suppress", declared, upstream.nodes, name, node)
        return KStream(Upstream(upstream.builder, (added,), upstream.key, upstream.value))

    def group_by_key(
        self,
        *,
        key: Serde[K] | None = None,
        value: Serde[V] | None = None,
        name: str | None = None,
    ) -> KGroupedStream[K, V]:
        """Groups by the key that the records have. ``key`` and ``value`` say how they are written
        where they leave for the sidecar, to be counted or repartitioned: as the stream's are where
        they are left out, and with the application's default serdes behind code that may change the
        type. ``name`` is that of the topic ``<application.id>-<name>-repartition``, should there be
        one; the store's where it is left out."""
        grouping = Grouping(self._upstream.named(key, value), None, name)
        return KGroupedStream(grouping, KStream)

    def group_by(
        self,
        selector: Callable[[Record[K, V]], K2],
        *,
        key: Serde[K2] | None = None,
        value: Serde[V] | None = None,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KGroupedStream[K2, V]:
        """Groups by another key: ``select_key``, then ``group_by_key``."""
        selected = self.select_key(selector, name=name, failure_policy=failure_policy)
        return selected.group_by_key(key=key, value=value, name=name)

    @overload
    def to(
        self,
        topic: str,
        *,
        key: Serde[K] | None = None,
        value: Serde[V] | None = None,
        name: str | None = None,
    ) -> None: ...
    @overload
    def to(
        self,
        topic: Callable[[Record[K, V]], str],
        *,
        topics: Sequence[str],
        key: Serde[K] | None = None,
        value: Serde[V] | None = None,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> None: ...
    def to(
        self,
        topic: str | Callable[[Record[K, V]], str],
        *,
        topics: Sequence[str] = (),
        key: Serde[K] | None = None,
        value: Serde[V] | None = None,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> None:
        """Writes a topic that must exist, with these serdes, or the application's default ones. Or
        writes each record to the topic that a function of it returns, one of ``topics``, as Kafka
        Streams' ``TopicNameExtractor``: another one fails the record. Their sinks are named
        ``<name>-<topic>``."""
        if not isinstance(topic, str):
            code = _choosing(topic, topics)
            added = self._add(pb.OPERATION_BRANCH, "key value", name, code, failure_policy)
            for each in topics:
                sink = f"{added.nodes[0]}-{each}"
                KStream[K, V](added).to(each, key=key, value=value, name=sink)
            return
        builder = self._upstream.builder
        node = Node("", builder.serdes(key, value))
        declared = pb.Node(sink=pb.Sink(topic=topic))
        builder.add("sink", declared, self._upstream.nodes, name, node)

    def _function(
        self,
        operation: pb.Operation,
        kept: str,
        name: str | None,
        code: NodeCode,
        policy: FailurePolicy | None,
        straight: Straight | None = None,
    ) -> KStream[Any, Any]:
        added = self._add(operation, kept, name, code, policy)
        added.builder.nodes[added.nodes[0]].straight = straight
        return KStream(added)

    def _add(
        self,
        operation: pb.Operation,
        kept: str,
        name: str | None,
        code: NodeCode,
        policy: FailurePolicy | None,
        stores: Stores = (),
        timed: TimedCode | None = None,
    ) -> Upstream:
        """``kept``: which of "key value" the code does not change, so that its serde is known
        behind it."""
        upstream = self._upstream
        for store in stores:
            if isinstance(store, TimestampedKeyValueStoreDefinition):
                kind = pb.STORE_KIND_TIMESTAMPED_KEY_VALUE
                upstream.builder.add_store(store.name, kind, store.ttl_ms)
            else:
                upstream.builder.add_store(store.name, pb.STORE_KIND_KEY_VALUE)
        names = tuple(store.name for store in stores)
        wired = None if policy is None else policy.wire()
        function = pb.Function(operation=operation, stores=names, failure_policy=wired)
        if timed is not None:
            function.timers = timed.on_timer is not None
            function.punctuators.extend(each.wire for each in timed.punctuators)
        node = Node("", upstream.serdes(), code=code, stores=names)
        declared = pb.Node(function=function)
        added = upstream.builder.add("function", declared, upstream.nodes, name, node)
        return upstream.after(added, keeps_key="key" in kept, keeps_value="value" in kept)


def _choosing(choose: Callable[[Record[Any, Any]], str], topics: Sequence[str]) -> NodeCode:
    """Passes a record to the child that stands where the topic does."""
    declared = ", ".join(topics)
    children = {topic: child for child, topic in enumerate(topics)}
    if not children or len(children) < len(topics):
        raise ValueError(f"the topics to choose from are [{declared}]: name each of them once")

    def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
        chosen = choose(record)
        child = children.get(chosen)
        if child is None:
            node = emitter.node.name
            raise ValueError(f'"{node}" chose the topic "{chosen}", it declares: {declared}')
        return emitter.forward_to(child, record)

    return code
