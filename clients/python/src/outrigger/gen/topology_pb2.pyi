from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TimerClock(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIMER_CLOCK_UNSPECIFIED: _ClassVar[TimerClock]
    TIMER_CLOCK_STREAM_TIME: _ClassVar[TimerClock]
    TIMER_CLOCK_WALL_CLOCK_TIME: _ClassVar[TimerClock]

class Exhausted(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXHAUSTED_UNSPECIFIED: _ClassVar[Exhausted]
    EXHAUSTED_FAIL: _ClassVar[Exhausted]
    EXHAUSTED_SKIP: _ClassVar[Exhausted]
    EXHAUSTED_DEAD_LETTER: _ClassVar[Exhausted]
    EXHAUSTED_PARK: _ClassVar[Exhausted]

class Operation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_UNSPECIFIED: _ClassVar[Operation]
    OPERATION_PROCESS: _ClassVar[Operation]
    OPERATION_MAP: _ClassVar[Operation]
    OPERATION_MAP_VALUES: _ClassVar[Operation]
    OPERATION_FILTER: _ClassVar[Operation]
    OPERATION_SELECT_KEY: _ClassVar[Operation]
    OPERATION_FLAT_MAP: _ClassVar[Operation]
    OPERATION_FLAT_MAP_VALUES: _ClassVar[Operation]
    OPERATION_PEEK: _ClassVar[Operation]
    OPERATION_BRANCH: _ClassVar[Operation]
    OPERATION_PROCESS_VALUES: _ClassVar[Operation]

class EmitStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EMIT_STRATEGY_UNSPECIFIED: _ClassVar[EmitStrategy]
    EMIT_STRATEGY_ON_WINDOW_UPDATE: _ClassVar[EmitStrategy]
    EMIT_STRATEGY_ON_WINDOW_CLOSE: _ClassVar[EmitStrategy]
    EMIT_STRATEGY_ON_COMMIT: _ClassVar[EmitStrategy]

class BufferFull(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUFFER_FULL_UNSPECIFIED: _ClassVar[BufferFull]
    BUFFER_FULL_SHUT_DOWN: _ClassVar[BufferFull]
    BUFFER_FULL_EMIT_EARLY: _ClassVar[BufferFull]

class NumberType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NUMBER_TYPE_UNSPECIFIED: _ClassVar[NumberType]
    NUMBER_TYPE_INT64: _ClassVar[NumberType]
    NUMBER_TYPE_FLOAT64: _ClassVar[NumberType]
    NUMBER_TYPE_INT32: _ClassVar[NumberType]

class Aggregator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGGREGATOR_UNSPECIFIED: _ClassVar[Aggregator]
    AGGREGATOR_APPLICATION: _ClassVar[Aggregator]
    AGGREGATOR_COUNT: _ClassVar[Aggregator]
    AGGREGATOR_SUM: _ClassVar[Aggregator]
    AGGREGATOR_MIN: _ClassVar[Aggregator]
    AGGREGATOR_MAX: _ClassVar[Aggregator]

class StoreKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STORE_KIND_UNSPECIFIED: _ClassVar[StoreKind]
    STORE_KIND_KEY_VALUE: _ClassVar[StoreKind]
    STORE_KIND_WINDOW: _ClassVar[StoreKind]
    STORE_KIND_SESSION: _ClassVar[StoreKind]
    STORE_KIND_TIMESTAMPED_KEY_VALUE: _ClassVar[StoreKind]
TIMER_CLOCK_UNSPECIFIED: TimerClock
TIMER_CLOCK_STREAM_TIME: TimerClock
TIMER_CLOCK_WALL_CLOCK_TIME: TimerClock
EXHAUSTED_UNSPECIFIED: Exhausted
EXHAUSTED_FAIL: Exhausted
EXHAUSTED_SKIP: Exhausted
EXHAUSTED_DEAD_LETTER: Exhausted
EXHAUSTED_PARK: Exhausted
OPERATION_UNSPECIFIED: Operation
OPERATION_PROCESS: Operation
OPERATION_MAP: Operation
OPERATION_MAP_VALUES: Operation
OPERATION_FILTER: Operation
OPERATION_SELECT_KEY: Operation
OPERATION_FLAT_MAP: Operation
OPERATION_FLAT_MAP_VALUES: Operation
OPERATION_PEEK: Operation
OPERATION_BRANCH: Operation
OPERATION_PROCESS_VALUES: Operation
EMIT_STRATEGY_UNSPECIFIED: EmitStrategy
EMIT_STRATEGY_ON_WINDOW_UPDATE: EmitStrategy
EMIT_STRATEGY_ON_WINDOW_CLOSE: EmitStrategy
EMIT_STRATEGY_ON_COMMIT: EmitStrategy
BUFFER_FULL_UNSPECIFIED: BufferFull
BUFFER_FULL_SHUT_DOWN: BufferFull
BUFFER_FULL_EMIT_EARLY: BufferFull
NUMBER_TYPE_UNSPECIFIED: NumberType
NUMBER_TYPE_INT64: NumberType
NUMBER_TYPE_FLOAT64: NumberType
NUMBER_TYPE_INT32: NumberType
AGGREGATOR_UNSPECIFIED: Aggregator
AGGREGATOR_APPLICATION: Aggregator
AGGREGATOR_COUNT: Aggregator
AGGREGATOR_SUM: Aggregator
AGGREGATOR_MIN: Aggregator
AGGREGATOR_MAX: Aggregator
STORE_KIND_UNSPECIFIED: StoreKind
STORE_KIND_KEY_VALUE: StoreKind
STORE_KIND_WINDOW: StoreKind
STORE_KIND_SESSION: StoreKind
STORE_KIND_TIMESTAMPED_KEY_VALUE: StoreKind

class Topology(_message.Message):
    __slots__ = ("nodes", "stores")
    NODES_FIELD_NUMBER: _ClassVar[int]
    STORES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    stores: _containers.RepeatedCompositeFieldContainer[Store]
    def __init__(self, nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., stores: _Optional[_Iterable[_Union[Store, _Mapping]]] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("name", "parents", "source", "function", "aggregate", "sink", "hook", "repartition", "suppress")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    SINK_FIELD_NUMBER: _ClassVar[int]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    REPARTITION_FIELD_NUMBER: _ClassVar[int]
    SUPPRESS_FIELD_NUMBER: _ClassVar[int]
    name: str
    parents: _containers.RepeatedScalarFieldContainer[str]
    source: Source
    function: Function
    aggregate: Aggregate
    sink: Sink
    hook: Hook
    repartition: Repartition
    suppress: Suppress
    def __init__(self, name: _Optional[str] = ..., parents: _Optional[_Iterable[str]] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., function: _Optional[_Union[Function, _Mapping]] = ..., aggregate: _Optional[_Union[Aggregate, _Mapping]] = ..., sink: _Optional[_Union[Sink, _Mapping]] = ..., hook: _Optional[_Union[Hook, _Mapping]] = ..., repartition: _Optional[_Union[Repartition, _Mapping]] = ..., suppress: _Optional[_Union[Suppress, _Mapping]] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("topics", "pattern")
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    topics: _containers.RepeatedScalarFieldContainer[str]
    pattern: str
    def __init__(self, topics: _Optional[_Iterable[str]] = ..., pattern: _Optional[str] = ...) -> None: ...

class Function(_message.Message):
    __slots__ = ("operation", "stores", "failure_policy", "timers", "punctuators")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    STORES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_POLICY_FIELD_NUMBER: _ClassVar[int]
    TIMERS_FIELD_NUMBER: _ClassVar[int]
    PUNCTUATORS_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    stores: _containers.RepeatedScalarFieldContainer[str]
    failure_policy: FailurePolicy
    timers: bool
    punctuators: _containers.RepeatedCompositeFieldContainer[Punctuator]
    def __init__(self, operation: _Optional[_Union[Operation, str]] = ..., stores: _Optional[_Iterable[str]] = ..., failure_policy: _Optional[_Union[FailurePolicy, _Mapping]] = ..., timers: bool = ..., punctuators: _Optional[_Iterable[_Union[Punctuator, _Mapping]]] = ...) -> None: ...

class Punctuator(_message.Message):
    __slots__ = ("name", "clock", "interval_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CLOCK_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    clock: TimerClock
    interval_ms: int
    def __init__(self, name: _Optional[str] = ..., clock: _Optional[_Union[TimerClock, str]] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class FailurePolicy(_message.Message):
    __slots__ = ("retry_max", "retry_initial_ms", "retry_factor", "retry_max_delay_ms", "retry_jitter", "exhausted")
    RETRY_MAX_FIELD_NUMBER: _ClassVar[int]
    RETRY_INITIAL_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_FACTOR_FIELD_NUMBER: _ClassVar[int]
    RETRY_MAX_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_JITTER_FIELD_NUMBER: _ClassVar[int]
    EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    retry_max: int
    retry_initial_ms: int
    retry_factor: float
    retry_max_delay_ms: int
    retry_jitter: float
    exhausted: Exhausted
    def __init__(self, retry_max: _Optional[int] = ..., retry_initial_ms: _Optional[int] = ..., retry_factor: _Optional[float] = ..., retry_max_delay_ms: _Optional[int] = ..., retry_jitter: _Optional[float] = ..., exhausted: _Optional[_Union[Exhausted, str]] = ...) -> None: ...

class Aggregate(_message.Message):
    __slots__ = ("store", "aggregator", "tumbling", "failure_policy", "hopping", "sliding", "session", "number", "repartition", "emit")
    STORE_FIELD_NUMBER: _ClassVar[int]
    AGGREGATOR_FIELD_NUMBER: _ClassVar[int]
    TUMBLING_FIELD_NUMBER: _ClassVar[int]
    FAILURE_POLICY_FIELD_NUMBER: _ClassVar[int]
    HOPPING_FIELD_NUMBER: _ClassVar[int]
    SLIDING_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REPARTITION_FIELD_NUMBER: _ClassVar[int]
    EMIT_FIELD_NUMBER: _ClassVar[int]
    store: str
    aggregator: Aggregator
    tumbling: TumblingWindows
    failure_policy: FailurePolicy
    hopping: HoppingWindows
    sliding: SlidingWindows
    session: SessionWindows
    number: NumberType
    repartition: str
    emit: EmitStrategy
    def __init__(self, store: _Optional[str] = ..., aggregator: _Optional[_Union[Aggregator, str]] = ..., tumbling: _Optional[_Union[TumblingWindows, _Mapping]] = ..., failure_policy: _Optional[_Union[FailurePolicy, _Mapping]] = ..., hopping: _Optional[_Union[HoppingWindows, _Mapping]] = ..., sliding: _Optional[_Union[SlidingWindows, _Mapping]] = ..., session: _Optional[_Union[SessionWindows, _Mapping]] = ..., number: _Optional[_Union[NumberType, str]] = ..., repartition: _Optional[str] = ..., emit: _Optional[_Union[EmitStrategy, str]] = ...) -> None: ...

class Suppress(_message.Message):
    __slots__ = ("until_window_closes", "until_time_limit", "buffer")
    UNTIL_WINDOW_CLOSES_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    BUFFER_FIELD_NUMBER: _ClassVar[int]
    until_window_closes: UntilWindowCloses
    until_time_limit: UntilTimeLimit
    buffer: SuppressBuffer
    def __init__(self, until_window_closes: _Optional[_Union[UntilWindowCloses, _Mapping]] = ..., until_time_limit: _Optional[_Union[UntilTimeLimit, _Mapping]] = ..., buffer: _Optional[_Union[SuppressBuffer, _Mapping]] = ...) -> None: ...

class UntilWindowCloses(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UntilTimeLimit(_message.Message):
    __slots__ = ("wait_ms",)
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    wait_ms: int
    def __init__(self, wait_ms: _Optional[int] = ...) -> None: ...

class SuppressBuffer(_message.Message):
    __slots__ = ("max_records", "max_bytes", "when_full")
    MAX_RECORDS_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    WHEN_FULL_FIELD_NUMBER: _ClassVar[int]
    max_records: int
    max_bytes: int
    when_full: BufferFull
    def __init__(self, max_records: _Optional[int] = ..., max_bytes: _Optional[int] = ..., when_full: _Optional[_Union[BufferFull, str]] = ...) -> None: ...

class TumblingWindows(_message.Message):
    __slots__ = ("size_ms", "grace_ms")
    SIZE_MS_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    size_ms: int
    grace_ms: int
    def __init__(self, size_ms: _Optional[int] = ..., grace_ms: _Optional[int] = ...) -> None: ...

class HoppingWindows(_message.Message):
    __slots__ = ("size_ms", "advance_ms", "grace_ms")
    SIZE_MS_FIELD_NUMBER: _ClassVar[int]
    ADVANCE_MS_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    size_ms: int
    advance_ms: int
    grace_ms: int
    def __init__(self, size_ms: _Optional[int] = ..., advance_ms: _Optional[int] = ..., grace_ms: _Optional[int] = ...) -> None: ...

class SlidingWindows(_message.Message):
    __slots__ = ("time_difference_ms", "grace_ms")
    TIME_DIFFERENCE_MS_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    time_difference_ms: int
    grace_ms: int
    def __init__(self, time_difference_ms: _Optional[int] = ..., grace_ms: _Optional[int] = ...) -> None: ...

class SessionWindows(_message.Message):
    __slots__ = ("gap_ms", "grace_ms")
    GAP_MS_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    gap_ms: int
    grace_ms: int
    def __init__(self, gap_ms: _Optional[int] = ..., grace_ms: _Optional[int] = ...) -> None: ...

class Repartition(_message.Message):
    __slots__ = ("partitions",)
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    partitions: int
    def __init__(self, partitions: _Optional[int] = ...) -> None: ...

class Sink(_message.Message):
    __slots__ = ("topic",)
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    topic: str
    def __init__(self, topic: _Optional[str] = ...) -> None: ...

class Hook(_message.Message):
    __slots__ = ("failure_policy",)
    FAILURE_POLICY_FIELD_NUMBER: _ClassVar[int]
    failure_policy: FailurePolicy
    def __init__(self, failure_policy: _Optional[_Union[FailurePolicy, _Mapping]] = ...) -> None: ...

class Store(_message.Message):
    __slots__ = ("name", "kind", "ttl_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: StoreKind
    ttl_ms: int
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[StoreKind, str]] = ..., ttl_ms: _Optional[int] = ...) -> None: ...
