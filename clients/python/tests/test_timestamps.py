from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outrigger import (
    App,
    FailurePolicy,
    ProcessorContext,
    Record,
    key_value_store,
    timestamped_key_value_store,
    utf8,
)
from outrigger.testing import TestDriver, TestRecord

Drive = Callable[..., TestDriver]
TEXT: dict[str, Any] = {"key": utf8, "value": utf8}
SEEN = timestamped_key_value_store("seen", **TEXT, ttl="10s")


def remember(record: Record[str, str], ctx: ProcessorContext[str, str]) -> None:
    store = ctx.store(SEEN)
    found = ""
    if record.value == "get":
        entry = store.get(record.key)
        found = "none" if entry is None else f"{entry.value}@{entry.timestamp}"
    elif record.value == "prefix":
        entries = store.prefix(record.key, reverse=True)
        found = " ".join(f"{key}@{entry.timestamp}" for key, entry in entries)
    else:
        store.put(record.key, record.value)
    ctx.forward(record.key, found)


def values(driver: TestDriver, topic: str = "out") -> list[str]:
    return [record.value for record in driver.read(topic, **TEXT)]


def test_an_entry_has_its_records_timestamp_and_is_gone_by_stream_time(
    outrigger_driver: Drive,
) -> None:
    app = App()
    app.stream("in", **TEXT).process(remember, stores=[SEEN]).to("out", **TEXT)
    driver = outrigger_driver(app)
    given = [("a", "1", 1_000), ("ab", "2", 5_000), ("a", "get", 5_000), ("a", "prefix", 5_000)]
    driver.pipe("in", [TestRecord(key, value, timestamp=at) for key, value, at in given], **TEXT)
    assert values(driver)[2:] == ["1@1000", "ab@5000 a@1000"]
    store = driver.store("seen", **TEXT)
    assert (store.get("a"), store.timestamp("a")) == ("1", 1_000)
    driver.advance_stream_time(11_000)
    assert (store.get("a"), store.timestamp("a")) == (None, None)
    driver.pipe("in", [TestRecord("a", "prefix", timestamp=11_000)], **TEXT)
    assert values(driver) == ["ab@5000"]


def test_a_record_goes_to_the_topic_that_is_chosen(outrigger_driver: Drive) -> None:
    app = App()
    policy = FailurePolicy(retry_max=0, exhausted="skip")
    stream = app.stream("in", **TEXT)
    topics = ["left", "right"]
    stream.to(lambda record: record.key, topics=topics, failure_policy=policy, **TEXT)
    driver = outrigger_driver(app)
    keys = ["left", "right", "elsewhere", "left"]
    driver.pipe("in", [TestRecord(key, str(i)) for i, key in enumerate(keys)], **TEXT)
    assert (values(driver, "left"), values(driver, "right")) == (["0", "3"], ["1"])


def test_what_makes_no_sense_is_refused_where_it_is_declared() -> None:
    stream = App().stream("in", **TEXT)
    with pytest.raises(ValueError, match="ttl of 0"):
        timestamped_key_value_store("s", **TEXT, ttl=0)
    with pytest.raises(ValueError, match="name each of them once"):
        stream.to(lambda record: "a", topics=["a", "a"])
    stream.process(remember, stores=[key_value_store("seen", **TEXT)])
    with pytest.raises(ValueError, match="declared as two kinds"):
        stream.process(remember, stores=[SEEN])
