"""Python SDK of Outrigger: exactly-once, stateful stream processing on plain Kafka."""

from .app import App
from .context import AsyncProcessorContext, ProcessorContext
from .durations import Duration
from .errors import BatchTakenError, OutriggerError
from .failures import DeadLetter, FailurePolicy, Park, RetryLater, StopTask
from .hooks import HookContext
from .record import Headers, KeyValue, Record
from .serdes import Serde, double, int64, json, nullable, raw, utf8
from .stores import (
    AsyncKeyValueStore,
    KeyValueStore,
    KeyValueStoreDefinition,
    key_value_store,
)
from .streams import KGroupedStream, KStream, TimeWindowedKStream
from .windows import TumblingWindows, Window, Windowed, tumbling

__all__ = [
    "App",
    "AsyncKeyValueStore",
    "AsyncProcessorContext",
    "BatchTakenError",
    "DeadLetter",
    "Duration",
    "FailurePolicy",
    "Headers",
    "HookContext",
    "KGroupedStream",
    "KStream",
    "KeyValue",
    "KeyValueStore",
    "KeyValueStoreDefinition",
    "OutriggerError",
    "Park",
    "ProcessorContext",
    "Record",
    "RetryLater",
    "Serde",
    "StopTask",
    "TimeWindowedKStream",
    "TumblingWindows",
    "Window",
    "Windowed",
    "double",
    "int64",
    "json",
    "key_value_store",
    "nullable",
    "raw",
    "tumbling",
    "utf8",
]
