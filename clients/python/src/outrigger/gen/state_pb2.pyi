from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StateColumns(_message.Message):
    __slots__ = ("store", "values", "absent", "slots", "slot_counts", "window_base", "window_unit_ms", "window_steps", "window_starts", "session_lengths")
    STORE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    SLOT_COUNTS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_BASE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_UNIT_MS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_STEPS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_STARTS_FIELD_NUMBER: _ClassVar[int]
    SESSION_LENGTHS_FIELD_NUMBER: _ClassVar[int]
    store: int
    values: _containers.RepeatedScalarFieldContainer[bytes]
    absent: _containers.RepeatedScalarFieldContainer[int]
    slots: _containers.RepeatedScalarFieldContainer[int]
    slot_counts: _containers.RepeatedScalarFieldContainer[int]
    window_base: int
    window_unit_ms: int
    window_steps: _containers.RepeatedScalarFieldContainer[int]
    window_starts: _containers.RepeatedScalarFieldContainer[int]
    session_lengths: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, store: _Optional[int] = ..., values: _Optional[_Iterable[bytes]] = ..., absent: _Optional[_Iterable[int]] = ..., slots: _Optional[_Iterable[int]] = ..., slot_counts: _Optional[_Iterable[int]] = ..., window_base: _Optional[int] = ..., window_unit_ms: _Optional[int] = ..., window_steps: _Optional[_Iterable[int]] = ..., window_starts: _Optional[_Iterable[int]] = ..., session_lengths: _Optional[_Iterable[int]] = ...) -> None: ...

class Mutations(_message.Message):
    __slots__ = ("store", "slots", "keys", "values", "deletes")
    STORE_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    DELETES_FIELD_NUMBER: _ClassVar[int]
    store: int
    slots: _containers.RepeatedScalarFieldContainer[int]
    keys: _containers.RepeatedScalarFieldContainer[bytes]
    values: _containers.RepeatedScalarFieldContainer[bytes]
    deletes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, store: _Optional[int] = ..., slots: _Optional[_Iterable[int]] = ..., keys: _Optional[_Iterable[bytes]] = ..., values: _Optional[_Iterable[bytes]] = ..., deletes: _Optional[_Iterable[int]] = ...) -> None: ...

class StateRequest(_message.Message):
    __slots__ = ("request_id", "dispatch_id", "task_epoch", "task_id", "store", "keys", "range", "written")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DISPATCH_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_EPOCH_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    dispatch_id: int
    task_epoch: int
    task_id: str
    store: int
    keys: _containers.RepeatedScalarFieldContainer[bytes]
    range: KeyRange
    written: Mutations
    def __init__(self, request_id: _Optional[int] = ..., dispatch_id: _Optional[int] = ..., task_epoch: _Optional[int] = ..., task_id: _Optional[str] = ..., store: _Optional[int] = ..., keys: _Optional[_Iterable[bytes]] = ..., range: _Optional[_Union[KeyRange, _Mapping]] = ..., written: _Optional[_Union[Mutations, _Mapping]] = ...) -> None: ...

class KeyRange(_message.Message):
    __slots__ = ("to", "reverse", "limit")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    REVERSE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    to: bytes
    reverse: bool
    limit: int
    def __init__(self, to: _Optional[bytes] = ..., reverse: bool = ..., limit: _Optional[int] = ..., **kwargs) -> None: ...

class StateResponse(_message.Message):
    __slots__ = ("request_id", "values", "absent", "error", "keys", "more")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    values: _containers.RepeatedScalarFieldContainer[bytes]
    absent: _containers.RepeatedScalarFieldContainer[int]
    error: str
    keys: _containers.RepeatedScalarFieldContainer[bytes]
    more: bool
    def __init__(self, request_id: _Optional[int] = ..., values: _Optional[_Iterable[bytes]] = ..., absent: _Optional[_Iterable[int]] = ..., error: _Optional[str] = ..., keys: _Optional[_Iterable[bytes]] = ..., more: bool = ...) -> None: ...
