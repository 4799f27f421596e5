"""Declares aggregates: those of the application, with their code, and the sidecar's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .emit import EmitStrategy
from .failures import FailurePolicy
from .folds import Fold, fold_record, straight_fold
from .gen import topology_pb2 as pb
from .serdes import Serde, double, int32, int64, nullable
from .topology import Node
from .upstream import Upstream
from .windows import (
    HoppingWindows,
    SessionWindows,
    SlidingWindows,
    TumblingWindows,
    Windows,
    length_ms,
    session_windowed,
    windowed,
)

NumberName = Literal["int64", "float64", "int32"]
"""How a number stands in a value: as Kafka's LongSerializer, DoubleSerializer or
IntegerSerializer."""

_NUMBERS: dict[str, tuple[pb.NumberType, Serde[Any]]] = {
    "int64": (pb.NUMBER_TYPE_INT64, int64),
    "float64": (pb.NUMBER_TYPE_FLOAT64, double),
    "int32": (pb.NUMBER_TYPE_INT32, int32),
}
_READING = {
    "sum": pb.AGGREGATOR_SUM,
    "min": pb.AGGREGATOR_MIN,
    "max": pb.AGGREGATOR_MAX,
}


@dataclass(frozen=True)
class Grouping:
    """What is grouped, how it is cut into windows, and the name of the topic that it may have to go
    through."""

    upstream: Upstream
    windows: Windows | None
    repartition: str | None
    emit: EmitStrategy | None = None


@dataclass(frozen=True)
class Named:
    """How a call names its node and its store."""

    store: str | None
    name: str | None
    failure_policy: FailurePolicy | None = None


def add_fold(
    grouping: Grouping, what: str, folding: tuple[Any, Any, Any], value: Serde[Any], named: Named
) -> Upstream:
    """Declares an aggregate that runs here. ``folding``: see ``Fold.initial``, ``add`` and
    ``merge``; ``what`` names its store where the call does not."""
    upstream = grouping.upstream
    declared = _declare(grouping, what, named.store, pb.AGGREGATOR_APPLICATION)
    if named.failure_policy is not None:
        declared.failure_policy.CopyFrom(named.failure_policy.wire())
    fold = Fold(declared.store, grouping.windows, value, *folding)
    node = Node(
        "",
        upstream.serdes(),
        code=lambda record, emitter: fold_record(record, emitter, fold),
        aggregates=declared.store,
        straight=straight_fold(fold),
    )
    added = upstream.builder.add(
        "aggregate", pb.Node(aggregate=declared), upstream.nodes, named.name, node
    )
    return _result_of(grouping, added, value)


def add_count(grouping: Grouping, named: Named) -> Upstream:
    """Declares a count, which the sidecar runs."""
    declared = _declare(grouping, "count", named.store, pb.AGGREGATOR_COUNT)
    return _add_built_in(grouping, declared, named, int64)


def add_numbers(grouping: Grouping, what: str, number: NumberName, named: Named) -> Upstream:
    """Declares an aggregate of numbers, which the sidecar runs. Raises ValueError where the number
    is none that it reads."""
    if number not in _NUMBERS:
        raise ValueError(f"{number!r} is no number: name int64, float64 or int32")
    kind, serde = _NUMBERS[number]
    declared = _declare(grouping, what, named.store, _READING[what])
    declared.number = kind
    return _add_built_in(grouping, declared, named, serde)


def _add_built_in(
    grouping: Grouping, declared: pb.Aggregate, named: Named, value: Serde[Any]
) -> Upstream:
    upstream = grouping.upstream
    node = Node("", upstream.serdes())
    added = upstream.builder.add(
        "aggregate", pb.Node(aggregate=declared), upstream.nodes, named.name, node
    )
    return _result_of(grouping, added, value)


def _declare(
    grouping: Grouping, what: str, given: str | None, aggregator: pb.Aggregator
) -> pb.Aggregate:
    builder, windows = grouping.upstream.builder, grouping.windows
    store = builder.store_name(given, what)
    builder.add_store(store, _kind_of(windows))
    repartition = grouping.repartition or ""
    declared = pb.Aggregate(store=store, aggregator=aggregator, repartition=repartition)
    if grouping.emit is not None:
        declared.emit = grouping.emit.wire()
    if isinstance(windows, TumblingWindows):
        declared.tumbling.CopyFrom(
            pb.TumblingWindows(size_ms=windows.size_ms, grace_ms=windows.grace_ms)
        )
    elif isinstance(windows, HoppingWindows):
        declared.hopping.CopyFrom(
            pb.HoppingWindows(
                size_ms=windows.size_ms,
                advance_ms=windows.advance_ms,
                grace_ms=windows.grace_ms,
            )
        )
    elif isinstance(windows, SlidingWindows):
        declared.sliding.CopyFrom(
            pb.SlidingWindows(
                time_difference_ms=windows.time_difference_ms, grace_ms=windows.grace_ms
            )
        )
    elif isinstance(windows, SessionWindows):
        declared.session.CopyFrom(
            pb.SessionWindows(gap_ms=windows.gap_ms, grace_ms=windows.grace_ms)
        )
    return declared


def _kind_of(windows: Windows | None) -> pb.StoreKind:
    if windows is None:
        return pb.STORE_KIND_KEY_VALUE
    if isinstance(windows, SessionWindows):
        return pb.STORE_KIND_SESSION
    return pb.STORE_KIND_WINDOW


def _result_of(grouping: Grouping, node: str, value: Serde[Any]) -> Upstream:
    builder, windows = grouping.upstream.builder, grouping.windows
    key = grouping.upstream.serdes().key
    if windows is None:
        return Upstream(builder, (node,), key, value)
    if isinstance(windows, SessionWindows):
        # A session that another one swallows is forwarded as null.
        return Upstream(builder, (node,), session_windowed(key), nullable(value))
    return Upstream(builder, (node,), windowed(key, length_ms(windows)), value)
