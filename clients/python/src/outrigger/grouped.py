"""Records grouped by key, and by window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, overload

from .aggregates import Grouping, Named, NumberName, add_count, add_fold, add_numbers
from .emit import EmitStrategy
from .failures import FailurePolicy
from .serdes import Serde
from .upstream import Upstream
from .windows import SessionWindows, TimeWindows, Windowed

if TYPE_CHECKING:
    from .streams import KStream

K = TypeVar("K")
V = TypeVar("V")
V2 = TypeVar("V2")
RK = TypeVar("RK")
# What stands for a value that is gone: None in sessions, nothing elsewhere.
Gone = TypeVar("Gone")

StreamOf = Callable[[Upstream], "KStream[Any, Any]"]


class _Grouped(Generic[K, V, RK, Gone]):
    """What every kind of grouped records can be folded by. The values of a session's result may be
    None: a longer session has taken its place."""

    def __init__(self, grouping: Grouping, stream_of: StreamOf) -> None:
        self._grouping = grouping
        self._stream_of = stream_of

    def reduce(
        self,
        reducer: Callable[[V, V], V],
        *,
        value: Serde[V] | None = None,
        store: str | None = None,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[RK, V | Gone]:
        """Folds the records of a key into one of their own kind, in your code: the first is the
        value, ``reducer(aggregate, value)`` makes one of each two. Forwards each new value; None
        deletes it. ``value``: how the store keeps values; as the grouped records are written where
        it is left out."""

        def joined(before: Any, following: Any) -> Any:
            return following if before is None else reducer(before, following)

        merge = None
        if isinstance(self._grouping.windows, SessionWindows):
            merge = lambda key, before, session: joined(before, session)  # noqa: E731
        folding = (lambda: None, lambda key, value, before: joined(before, value), merge)
        kept = value or self._grouping.upstream.serdes().value
        named = Named(store, name, failure_policy)
        return self._stream_of(add_fold(self._grouping, "reduce", folding, kept, named))

    def count(
        self, *, store: str | None = None, name: str | None = None
    ) -> KStream[RK, int | Gone]:
        """Counts the records, in the sidecar. ``store`` is the store's name; its changelog is
        ``<application.id>-<store>-changelog``."""
        return self._stream_of(add_count(self._grouping, Named(store, name)))

    def sum(
        self, *, number: NumberName, store: str | None = None, name: str | None = None
    ) -> KStream[RK, Any]:
        """Adds the values up, in the sidecar, which reads them as ``number`` and writes it: int64
        and int32 wrap, as Java's. Null values are skipped."""
        return self._numbers("sum", number, store, name)

    def min(
        self, *, number: NumberName, store: str | None = None, name: str | None = None
    ) -> KStream[RK, Any]:
        """The least of the values, in the sidecar, as ``sum``."""
        return self._numbers("min", number, store, name)

    def max(
        self, *, number: NumberName, store: str | None = None, name: str | None = None
    ) -> KStream[RK, Any]:
        """The greatest of the values, in the sidecar, as ``sum``."""
        return self._numbers("max", number, store, name)

    def _numbers(
        self, what: str, number: NumberName, store: str | None, name: str | None
    ) -> KStream[RK, Any]:
        return self._stream_of(add_numbers(self._grouping, what, number, Named(store, name)))

    def _fold(
        self,
        initializer: Callable[[], Any],
        aggregator: Callable[[Any, Any, Any], Any],
        merger: Callable[[Any, Any, Any], Any] | None,
        value: Serde[Any],
        named: Named,
    ) -> KStream[RK, Any]:
        def begun(before: Any) -> Any:
            return initializer() if before is None else before

        merge = None
        if merger is not None:
            merge = lambda key, before, session: merger(key, begun(before), session)  # noqa: E731
        folding = (initializer, aggregator, merge)
        return self._stream_of(add_fold(self._grouping, "aggregate", folding, value, named))


class KGroupedStream(_Grouped[K, V, K, NoReturn]):
    """Records grouped by key: fold them over all time, or by windows."""

    def emit_strategy(self, emit: EmitStrategy) -> KGroupedStream[K, V]:
        """When results are forwarded: each update, or each key once per commit."""
        return KGroupedStream[K, V](replace(self._grouping, emit=emit), self._stream_of)

    @overload
    def windowed_by(self, windows: TimeWindows) -> TimeWindowedKStream[K, V]: ...
    @overload
    def windowed_by(self, windows: SessionWindows) -> SessionWindowedKStream[K, V]: ...
    def windowed_by(self, windows: Any) -> Any:
        """By the windows that ``tumbling``, ``hopping`` and ``sliding`` make, or by sessions, which
        ``session`` does."""
        grouping = replace(self._grouping, windows=windows)
        if isinstance(windows, SessionWindows):
            return SessionWindowedKStream[K, V](grouping, self._stream_of)
        return TimeWindowedKStream[K, V](grouping, self._stream_of)

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
        """Folds the records of each key here, in your code; forwards each new value. None deletes
        it. ``store`` is the store's name; its changelog is
        ``<application.id>-<store>-changelog``."""
        named = Named(store, name, failure_policy)
        return self._fold(initializer, aggregator, None, value, named)


class TimeWindowedKStream(_Grouped[K, V, Windowed[K], NoReturn]):
    """Records grouped by key and window of time."""

    def emit_strategy(self, emit: EmitStrategy) -> TimeWindowedKStream[K, V]:
        """When results are forwarded: each update, each window once, or each key once per
        commit."""
        return TimeWindowedKStream[K, V](replace(self._grouping, emit=emit), self._stream_of)

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
        named = Named(store, name, failure_policy)
        return self._fold(initializer, aggregator, None, value, named)


class SessionWindowedKStream(_Grouped[K, V, Windowed[K], None]):
    """Records grouped by key and session. None is forwarded for a session that becomes part of
    another."""

    def emit_strategy(self, emit: EmitStrategy) -> SessionWindowedKStream[K, V]:
        """When results are forwarded: each update, each session once, or each key once per
        commit."""
        return SessionWindowedKStream[K, V](replace(self._grouping, emit=emit), self._stream_of)

    def aggregate(
        self,
        initializer: Callable[[], V2],
        aggregator: Callable[[K, V, V2], V2],
        merger: Callable[[K, V2, V2], V2],
        *,
        value: Serde[V2],
        store: str | None = None,
        name: str | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> KStream[Windowed[K], V2 | None]:
        """Folds the records of each key and session, in your code; forwards each new value under
        the windowed key. ``merger(key, aggregate, session)`` makes one of what was folded so far
        and a session that the record joins to it."""
        named = Named(store, name, failure_policy)
        return self._fold(initializer, aggregator, merger, value, named)
