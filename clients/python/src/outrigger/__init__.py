"""Python SDK of Outrigger: exactly-once, stateful stream processing on plain Kafka."""

from .app import App
from .branches import BranchedKStream
from .context import (
    AsyncFixedKeyProcessorContext,
    AsyncProcessorContext,
    FixedKeyProcessorContext,
    ProcessorContext,
)
from .durations import Duration
from .emit import EmitStrategy
from .errors import BatchTakenError, OutriggerError
from .failures import DeadLetter, FailurePolicy, Park, RetryLater, StopTask
from .grouped import KGroupedStream, SessionWindowedKStream, TimeWindowedKStream
from .hooks import HookContext
from .record import Headers, KeyValue, Record
from .serdes import Serde, double, int32, int64, json, nullable, raw, utf8
from .stores import (
    AsyncKeyValueStore,
    AsyncTimestampedKeyValueStore,
    KeyValueStore,
    KeyValueStoreDefinition,
    TimestampedKeyValueStore,
    TimestampedKeyValueStoreDefinition,
    ValueAndTimestamp,
    key_value_store,
    timestamped_key_value_store,
)
from .streams import KStream
from .suppressed import BufferConfig, Suppressed
from .timers import FiredTimer, Punctuator, TimerClock, Timers
from .windows import (
    HoppingWindows,
    SessionWindows,
    SlidingWindows,
    TumblingWindows,
    Window,
    Windowed,
    hopping,
    session,
    session_windowed,
    sliding,
    tumbling,
    windowed,
)

__all__ = [
    "App",
    "AsyncFixedKeyProcessorContext",
    "AsyncKeyValueStore",
    "AsyncProcessorContext",
    "AsyncTimestampedKeyValueStore",
    "BatchTakenError",
    "BranchedKStream",
    "BufferConfig",
    "DeadLetter",
    "Duration",
    "EmitStrategy",
    "FailurePolicy",
    "FiredTimer",
    "FixedKeyProcessorContext",
    "Headers",
    "HookContext",
    "HoppingWindows",
    "KGroupedStream",
    "KStream",
    "KeyValue",
    "KeyValueStore",
    "KeyValueStoreDefinition",
    "OutriggerError",
    "Park",
    "ProcessorContext",
    "Punctuator",
    "Record",
    "RetryLater",
    "Serde",
    "SessionWindowedKStream",
    "SessionWindows",
    "SlidingWindows",
    "StopTask",
    "Suppressed",
    "TimeWindowedKStream",
    "TimerClock",
    "Timers",
    "TimestampedKeyValueStore",
    "TimestampedKeyValueStoreDefinition",
    "TumblingWindows",
    "ValueAndTimestamp",
    "Window",
    "Windowed",
    "double",
    "hopping",
    "int32",
    "int64",
    "json",
    "key_value_store",
    "nullable",
    "raw",
    "session",
    "session_windowed",
    "sliding",
    "timestamped_key_value_store",
    "tumbling",
    "utf8",
    "windowed",
]
