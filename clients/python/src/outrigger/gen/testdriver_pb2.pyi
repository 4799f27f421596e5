from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Fault(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAULT_UNSPECIFIED: _ClassVar[Fault]
    FAULT_COMMIT_FAILED: _ClassVar[Fault]
    FAULT_REDELIVER: _ClassVar[Fault]
    FAULT_UNKNOWN_OUTCOME: _ClassVar[Fault]
FAULT_UNSPECIFIED: Fault
FAULT_COMMIT_FAILED: Fault
FAULT_REDELIVER: Fault
FAULT_UNKNOWN_OUTCOME: Fault

class DriverRecord(_message.Message):
    __slots__ = ("key", "value", "headers", "timestamp", "partition", "offset")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    value: bytes
    headers: _containers.RepeatedCompositeFieldContainer[DriverHeader]
    timestamp: int
    partition: int
    offset: int
    def __init__(self, key: _Optional[bytes] = ..., value: _Optional[bytes] = ..., headers: _Optional[_Iterable[_Union[DriverHeader, _Mapping]]] = ..., timestamp: _Optional[int] = ..., partition: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class DriverHeader(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: bytes
    def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...

class Settled(_message.Message):
    __slots__ = ("committed", "stopped", "waiting")
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    committed: bool
    stopped: _containers.RepeatedScalarFieldContainer[str]
    waiting: str
    def __init__(self, committed: bool = ..., stopped: _Optional[_Iterable[str]] = ..., waiting: _Optional[str] = ...) -> None: ...

class CreateTopicRequest(_message.Message):
    __slots__ = ("name", "partitions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    partitions: int
    def __init__(self, name: _Optional[str] = ..., partitions: _Optional[int] = ...) -> None: ...

class CreateTopicResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AwaitApplicationRequest(_message.Message):
    __slots__ = ("timeout_ms",)
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    timeout_ms: int
    def __init__(self, timeout_ms: _Optional[int] = ...) -> None: ...

class AwaitApplicationResponse(_message.Message):
    __slots__ = ("settled",)
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    settled: Settled
    def __init__(self, settled: _Optional[_Union[Settled, _Mapping]] = ...) -> None: ...

class PipeInputRequest(_message.Message):
    __slots__ = ("topic", "records", "timeout_ms")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    topic: str
    records: _containers.RepeatedCompositeFieldContainer[DriverRecord]
    timeout_ms: int
    def __init__(self, topic: _Optional[str] = ..., records: _Optional[_Iterable[_Union[DriverRecord, _Mapping]]] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class PipeInputResponse(_message.Message):
    __slots__ = ("settled",)
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    settled: Settled
    def __init__(self, settled: _Optional[_Union[Settled, _Mapping]] = ...) -> None: ...

class ReadOutputRequest(_message.Message):
    __slots__ = ("topic",)
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    topic: str
    def __init__(self, topic: _Optional[str] = ...) -> None: ...

class ReadOutputResponse(_message.Message):
    __slots__ = ("records", "more")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[DriverRecord]
    more: bool
    def __init__(self, records: _Optional[_Iterable[_Union[DriverRecord, _Mapping]]] = ..., more: bool = ...) -> None: ...

class AdvanceWallClockRequest(_message.Message):
    __slots__ = ("ms", "timeout_ms")
    MS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    ms: int
    timeout_ms: int
    def __init__(self, ms: _Optional[int] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class AdvanceWallClockResponse(_message.Message):
    __slots__ = ("settled", "wall_clock_ms")
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    WALL_CLOCK_MS_FIELD_NUMBER: _ClassVar[int]
    settled: Settled
    wall_clock_ms: int
    def __init__(self, settled: _Optional[_Union[Settled, _Mapping]] = ..., wall_clock_ms: _Optional[int] = ...) -> None: ...

class AdvanceStreamTimeRequest(_message.Message):
    __slots__ = ("timestamp", "timeout_ms")
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    timestamp: int
    timeout_ms: int
    def __init__(self, timestamp: _Optional[int] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class AdvanceStreamTimeResponse(_message.Message):
    __slots__ = ("settled",)
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    settled: Settled
    def __init__(self, settled: _Optional[_Union[Settled, _Mapping]] = ...) -> None: ...

class ReadStoreRequest(_message.Message):
    __slots__ = ("store", "key", "window_start", "to")
    STORE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    store: str
    key: bytes
    window_start: int
    to: bytes
    def __init__(self, store: _Optional[str] = ..., key: _Optional[bytes] = ..., window_start: _Optional[int] = ..., to: _Optional[bytes] = ..., **kwargs) -> None: ...

class ReadStoreResponse(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[StoreEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[StoreEntry, _Mapping]]] = ...) -> None: ...

class StoreEntry(_message.Message):
    __slots__ = ("key", "value", "window_start", "partition", "timestamp")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    value: bytes
    window_start: int
    partition: int
    timestamp: int
    def __init__(self, key: _Optional[bytes] = ..., value: _Optional[bytes] = ..., window_start: _Optional[int] = ..., partition: _Optional[int] = ..., timestamp: _Optional[int] = ...) -> None: ...

class InjectFaultRequest(_message.Message):
    __slots__ = ("fault",)
    FAULT_FIELD_NUMBER: _ClassVar[int]
    fault: Fault
    def __init__(self, fault: _Optional[_Union[Fault, str]] = ...) -> None: ...

class InjectFaultResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("application_id", "wall_clock_ms", "topics", "stores", "faults_met")
    APPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    WALL_CLOCK_MS_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    STORES_FIELD_NUMBER: _ClassVar[int]
    FAULTS_MET_FIELD_NUMBER: _ClassVar[int]
    application_id: str
    wall_clock_ms: int
    topics: _containers.RepeatedCompositeFieldContainer[DescribedTopic]
    stores: _containers.RepeatedCompositeFieldContainer[DescribedStore]
    faults_met: int
    def __init__(self, application_id: _Optional[str] = ..., wall_clock_ms: _Optional[int] = ..., topics: _Optional[_Iterable[_Union[DescribedTopic, _Mapping]]] = ..., stores: _Optional[_Iterable[_Union[DescribedStore, _Mapping]]] = ..., faults_met: _Optional[int] = ...) -> None: ...

class DescribedTopic(_message.Message):
    __slots__ = ("name", "partitions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    partitions: int
    def __init__(self, name: _Optional[str] = ..., partitions: _Optional[int] = ...) -> None: ...

class DescribedStore(_message.Message):
    __slots__ = ("name", "windowed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WINDOWED_FIELD_NUMBER: _ClassVar[int]
    name: str
    windowed: bool
    def __init__(self, name: _Optional[str] = ..., windowed: bool = ...) -> None: ...

class CloseRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CloseResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
