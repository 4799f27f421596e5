"""How aggregates of the application fold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .batch_state import BatchState
from .emitter import Emitter
from .record import Record
from .serdes import Serde
from .straight import Lane, Rows, Straight
from .windows import SessionWindows, SlidingWindows, Window, Windowed, Windows, length_ms


@dataclass(frozen=True)
class Fold:
    """``None`` is a value that is not there: yet, or any more."""

    store: str
    # None folds over all time.
    windows: Windows | None
    serde: Serde[Any]
    # What a fold begins with.
    initial: Callable[[], Any]
    # Of the key, the value, and what was folded so far.
    add: Callable[[Any, Any, Any], Any]
    # Of sessions alone: of the key, what was folded so far, and a session that it swallows.
    merge: Callable[[Any, Any, Any], Any] | None


def fold_record(record: Record[Any, Any], emitter: Emitter, fold: Fold) -> Awaitable[None] | None:
    """Folds a record into each of its slots, and forwards each new value."""
    # As Kafka Streams: without windows, and in sliding ones, a null value is no news.
    skips_null = fold.windows is None or isinstance(fold.windows, SlidingWindows)
    if skips_null and record.value is None:
        return None
    state = emitter.folded
    assert state is not None
    slots = state.slots_of(emitter.scope.row)
    if not slots:
        return None
    if fold.windows is None:
        return emitter.forward(_into(state, slots[0], record, fold))
    if fold.merge is not None:
        return _into_session(slots, record, emitter, fold)
    for index, slot in enumerate(slots):
        pending = emitter.forward(_into(state, slot, record, fold))
        if pending is not None:
            return _into_rest(pending, slots[index + 1 :], record, emitter, fold)
    return None


async def _into_rest(
    pending: Awaitable[None],
    slots: Sequence[int],
    record: Record[Any, Any],
    emitter: Emitter,
    fold: Fold,
) -> None:
    await pending
    state = emitter.folded
    assert state is not None
    for slot in slots:
        try:
            folded = _into(state, slot, record, fold)
        except Exception as error:
            emitter.failed(error)
            raise
        following = emitter.forward(folded)
        if following is not None:
            await following


def _into(state: BatchState, slot: int, record: Record[Any, Any], fold: Fold) -> Record[Any, Any]:
    return _put(state, slot, record, fold, _next(record, _value_at(state, slot, fold), fold))


def _into_session(
    slots: Sequence[int], record: Record[Any, Any], emitter: Emitter, fold: Fold
) -> Awaitable[None] | None:
    """All but the last slot are sessions that end here: the one that the record is in swallows
    them."""
    state = emitter.folded
    assert fold.merge is not None and state is not None
    last = len(slots) - 1
    changed: list[Record[Any, Any]] = []
    folded = None
    for index, slot in enumerate(slots):
        session = _value_at(state, slot, fold)
        if session is None:
            continue
        folded = fold.merge(record.key, folded, session)
        if index < last:
            changed.append(_put(state, slot, record, fold, None))
    changed.append(_put(state, slots[last], record, fold, _next(record, folded, fold)))
    return emitter.forward_each(changed)


def _next(record: Record[Any, Any], folded: Any, fold: Fold) -> Any:
    return fold.add(record.key, record.value, fold.initial() if folded is None else folded)


def straight_fold(fold: Fold) -> Straight | None:
    """The same of what folds over all time; else None."""
    if fold.windows is not None:
        return None

    def loop(rows: Rows) -> Callable[[Lane], None] | None:
        columns = rows.reader.columns(rows.node.input)
        if columns is None or rows.state is None:
            return None
        state = rows.state
        return lambda lane: _run_folds(lane, rows, state, fold, *columns)

    return Straight(loop, fold.serde)


def _run_folds(
    lane: Lane,
    rows: Rows,
    state: BatchState,
    fold: Fold,
    keys: Iterable[Any],
    values: Iterable[Any],
) -> None:
    control, share, is_written = lane.control, lane.share, lane.is_written
    write_key, write_value = lane.write_key, lane.write_value
    put_key, put_value = lane.columns.keys.append, lane.columns.values.append
    initial, add, read, write = fold.initial, fold.add, fold.serde.deserialize, fold.serde.serialize
    now, by_slot = state.by_slot()
    at = lane.node
    try:
        slots = state.first_slots(rows.first, len(rows.reader))
        for slot, key, given in zip(slots, keys, values, strict=True):
            if control.is_stopped:
                return
            # As Kafka Streams: a null value is no news.
            if slot < 0 or given is None:
                lane.columns.dropped.append(lane.columns.rows())
                continue
            before = now[slot]
            value = add(key, given, initial() if before is None else read(before))
            kept = None if value is None else write(value)
            at = lane.sink
            if write_key is not None:
                key = write_key(key)
            if is_written and kept is not None:
                value = kept
            elif write_value is not None:
                value = write_value(value)
            if (
                type(value) is not bytes
                or type(key) is not bytes
                or type(kept) is not bytes
                or len(value) > share
                or len(key) > share
                or len(kept) > share
            ):
                key, value = lane.unusual(key, value, slot, kept)
            at = lane.node
            now[slot] = by_slot[slot] = kept
            put_key(key)
            put_value(value)
    except Exception as error:
        lane.failed(error, at)
        raise


def _value_at(state: BatchState, slot: int, fold: Fold) -> Any:
    found = state.get_slot(slot)
    return None if found is None else fold.serde.deserialize(found)


def _put(
    state: BatchState, slot: int, record: Record[Any, Any], fold: Fold, value: Any
) -> Record[Any, Any]:
    """Keeps a value, and makes what is forwarded of it. As Kafka Streams: None is no value."""
    state.put_slot(slot, None if value is None else fold.serde.serialize(value))
    key = _key_of(record, state, slot, fold.windows)
    if fold.merge is None:
        return record.followed_by(key, value, None, None)
    # As Kafka Streams: at the session's end, and without the headers of any of its records.
    return record.followed_by(key, value, key.window.end, ())


def _key_of(record: Record[Any, Any], state: BatchState, slot: int, windows: Windows | None) -> Any:
    if windows is None:
        return record.key
    start = state.window_start(slot)
    if isinstance(windows, SessionWindows):
        length = state.session_length(slot)
    else:
        length = length_ms(windows)
    return Windowed(record.key, Window(start, start + length))
