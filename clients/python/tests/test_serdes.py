from __future__ import annotations

import struct
from datetime import timedelta
from typing import Any

import pytest

from outrigger import (
    Serde,
    Window,
    Windowed,
    double,
    int32,
    int64,
    json,
    nullable,
    raw,
    tumbling,
    utf8,
)
from outrigger.durations import Duration, duration_ms
from outrigger.windows import windowed


def test_they_write_what_kafkas_serializers_write() -> None:
    assert int64.serialize(-2) == b"\xff\xff\xff\xff\xff\xff\xff\xfe"
    assert double.serialize(-0.5) == b"\xbf\xe0\x00\x00\x00\x00\x00\x00"
    assert utf8.serialize("é") == b"\xc3\xa9"
    assert json.serialize({"a": [None, "é"]}) == '{"a":[null,"é"]}'.encode()
    assert windowed(utf8, 1).serialize(Windowed("k", Window(1, 2))) == b"k\0\0\0\0\0\0\0\x01"


def test_they_read_back_what_they_wrote() -> None:
    assert int64.deserialize(int64.serialize(-(2**63))) == -(2**63)
    assert double.deserialize(double.serialize(0.1)) == 0.1
    assert json.deserialize(json.serialize({"a": [None]})) == {"a": [None]}
    key = Windowed("k", Window(-300_000, 0))
    serde = windowed(utf8, 300_000)
    assert serde.deserialize(serde.serialize(key)) == key


@pytest.mark.parametrize("serde", [utf8, int64, int32, double, windowed(utf8, 9), windowed(raw, 9)])
def test_columns_are_read_as_each_of_their_rows_or_not_at_all(serde: Serde[Any]) -> None:
    assert serde.read_column is not None
    columns: list[list[bytes | None]] = [
        [],
        [b"12345678"],
        [b"a1234567a", b"b1234567a", b"c1234567b", b"d1234567a"],
        [b"12345678", b"a1234567b", b"ab1234567b"],
        [b"1234", b"5678"],
        [b"12345678", b"1234"],
        [b"12345678", None],
        [None],
        [b"\xff2345678a", b"12345678a"],
        [b"\xff2345678", b"12345678"],
    ]
    for column in columns:
        try:
            each = [serde.deserialize(data) for data in column]
        except Exception:
            with pytest.raises(Exception):  # noqa: B017
                serde.read_column(column)
        else:
            assert list(serde.read_column(column)) == each
            assert list(map(type, serde.read_column(column))) == list(map(type, each))


def test_they_refuse_null_unless_they_are_made_to_take_it() -> None:
    with pytest.raises(TypeError, match=r"nullable\(utf8\)"):
        utf8.deserialize(None)
    assert nullable(utf8).deserialize(None) is None
    assert nullable(utf8).serialize(None) is None
    assert nullable(utf8).deserialize(b"") == ""
    assert raw.deserialize(None) is None


def test_they_refuse_what_is_no_value_of_theirs() -> None:
    with pytest.raises(TypeError, match="7 bytes"):
        int64.deserialize(bytes(7))
    with pytest.raises(ValueError):
        utf8.deserialize(b"\xff")
    with pytest.raises(struct.error):
        int64.serialize(2**63)
    with pytest.raises(TypeError, match="at least 8"):
        windowed(utf8, 1).deserialize(b"short")


@pytest.mark.parametrize(
    ("duration", "ms"),
    [(250, 250), ("250ms", 250), ("1.5s", 1_500), ("5m", 300_000), (timedelta(days=1), 86_400_000)],
)
def test_durations_are_milliseconds_or_a_number_with_a_unit(duration: Duration, ms: int) -> None:
    assert duration_ms(duration) == ms


@pytest.mark.parametrize(
    "wrong", ["", "d", "5 minutes", "-1s", "1.5ms", -1, timedelta(microseconds=1)]
)
def test_durations_are_refused_where_they_say_nothing_or_less(wrong: Duration) -> None:
    with pytest.raises(ValueError, match="no duration"):
        duration_ms(wrong)
    with pytest.raises(ValueError, match="above 0"):
        tumbling(0)
