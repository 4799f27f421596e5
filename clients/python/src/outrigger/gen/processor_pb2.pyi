from outrigger.gen import records_pb2 as _records_pb2
from outrigger.gen import state_pb2 as _state_pb2
from outrigger.gen import topology_pb2 as _topology_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_RETRY: _ClassVar[Verdict]
    VERDICT_DEAD_LETTER: _ClassVar[Verdict]
    VERDICT_FAIL: _ClassVar[Verdict]
    VERDICT_PARK: _ClassVar[Verdict]
VERDICT_UNSPECIFIED: Verdict
VERDICT_RETRY: Verdict
VERDICT_DEAD_LETTER: Verdict
VERDICT_FAIL: Verdict
VERDICT_PARK: Verdict

class ProcessRequest(_message.Message):
    __slots__ = ("hello", "result", "state_request", "credit", "hand_back", "log", "chunk")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    STATE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    HAND_BACK_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    result: BatchResult
    state_request: _state_pb2.StateRequest
    credit: Credit
    hand_back: HandBack
    log: Log
    chunk: Chunk
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., result: _Optional[_Union[BatchResult, _Mapping]] = ..., state_request: _Optional[_Union[_state_pb2.StateRequest, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., hand_back: _Optional[_Union[HandBack, _Mapping]] = ..., log: _Optional[_Union[Log, _Mapping]] = ..., chunk: _Optional[_Union[Chunk, _Mapping]] = ...) -> None: ...

class ProcessResponse(_message.Message):
    __slots__ = ("welcome", "reject", "batch", "state_response", "revoked", "drain", "chunk")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    REJECT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    STATE_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    reject: Reject
    batch: Batch
    state_response: _state_pb2.StateResponse
    revoked: Revoked
    drain: Drain
    chunk: Chunk
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., reject: _Optional[_Union[Reject, _Mapping]] = ..., batch: _Optional[_Union[Batch, _Mapping]] = ..., state_response: _Optional[_Union[_state_pb2.StateResponse, _Mapping]] = ..., revoked: _Optional[_Union[Revoked, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., chunk: _Optional[_Union[Chunk, _Mapping]] = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("data", "last")
    DATA_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    last: bool
    def __init__(self, data: _Optional[bytes] = ..., last: bool = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol_minor", "capabilities", "sdk", "topology", "max_frame_bytes", "credit", "application_id", "max_message_bytes")
    PROTOCOL_MINOR_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    MAX_FRAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    protocol_minor: int
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    sdk: Sdk
    topology: _topology_pb2.Topology
    max_frame_bytes: int
    credit: Credit
    application_id: str
    max_message_bytes: int
    def __init__(self, protocol_minor: _Optional[int] = ..., capabilities: _Optional[_Iterable[str]] = ..., sdk: _Optional[_Union[Sdk, _Mapping]] = ..., topology: _Optional[_Union[_topology_pb2.Topology, _Mapping]] = ..., max_frame_bytes: _Optional[int] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., application_id: _Optional[str] = ..., max_message_bytes: _Optional[int] = ...) -> None: ...

class Sdk(_message.Message):
    __slots__ = ("name", "version", "runtime")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    runtime: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., runtime: _Optional[str] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("batches", "bytes")
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    batches: int
    bytes: int
    def __init__(self, batches: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("protocol_minor", "capabilities", "sidecar_version", "application_id", "max_frame_bytes", "sources", "stages", "max_message_bytes", "timer_sources")
    PROTOCOL_MINOR_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    SIDECAR_VERSION_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_FRAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TIMER_SOURCES_FIELD_NUMBER: _ClassVar[int]
    protocol_minor: int
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    sidecar_version: str
    application_id: str
    max_frame_bytes: int
    sources: _containers.RepeatedScalarFieldContainer[str]
    stages: _containers.RepeatedCompositeFieldContainer[Stage]
    max_message_bytes: int
    timer_sources: _containers.RepeatedCompositeFieldContainer[TimerSource]
    def __init__(self, protocol_minor: _Optional[int] = ..., capabilities: _Optional[_Iterable[str]] = ..., sidecar_version: _Optional[str] = ..., application_id: _Optional[str] = ..., max_frame_bytes: _Optional[int] = ..., sources: _Optional[_Iterable[str]] = ..., stages: _Optional[_Iterable[_Union[Stage, _Mapping]]] = ..., max_message_bytes: _Optional[int] = ..., timer_sources: _Optional[_Iterable[_Union[TimerSource, _Mapping]]] = ...) -> None: ...

class TimerSource(_message.Message):
    __slots__ = ("source", "node")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    source: int
    node: str
    def __init__(self, source: _Optional[int] = ..., node: _Optional[str] = ...) -> None: ...

class Stage(_message.Message):
    __slots__ = ("entries", "stores", "sinks")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    STORES_FIELD_NUMBER: _ClassVar[int]
    SINKS_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedScalarFieldContainer[str]
    stores: _containers.RepeatedScalarFieldContainer[str]
    sinks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, entries: _Optional[_Iterable[str]] = ..., stores: _Optional[_Iterable[str]] = ..., sinks: _Optional[_Iterable[str]] = ...) -> None: ...

class Reject(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("dispatch_id", "task_epoch", "task_id", "stage", "segments", "states", "processing_timeout_ms")
    DISPATCH_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_EPOCH_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    dispatch_id: int
    task_epoch: int
    task_id: str
    stage: int
    segments: _containers.RepeatedCompositeFieldContainer[_records_pb2.Segment]
    states: _containers.RepeatedCompositeFieldContainer[_state_pb2.StateColumns]
    processing_timeout_ms: int
    def __init__(self, dispatch_id: _Optional[int] = ..., task_epoch: _Optional[int] = ..., task_id: _Optional[str] = ..., stage: _Optional[int] = ..., segments: _Optional[_Iterable[_Union[_records_pb2.Segment, _Mapping]]] = ..., states: _Optional[_Iterable[_Union[_state_pb2.StateColumns, _Mapping]]] = ..., processing_timeout_ms: _Optional[int] = ...) -> None: ...

class BatchResult(_message.Message):
    __slots__ = ("dispatch_id", "task_epoch", "task_id", "done", "failure", "outputs", "mutations", "timers")
    DISPATCH_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_EPOCH_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    MUTATIONS_FIELD_NUMBER: _ClassVar[int]
    TIMERS_FIELD_NUMBER: _ClassVar[int]
    dispatch_id: int
    task_epoch: int
    task_id: str
    done: int
    failure: Failure
    outputs: _records_pb2.Outputs
    mutations: _containers.RepeatedCompositeFieldContainer[_state_pb2.Mutations]
    timers: _containers.RepeatedCompositeFieldContainer[Timers]
    def __init__(self, dispatch_id: _Optional[int] = ..., task_epoch: _Optional[int] = ..., task_id: _Optional[str] = ..., done: _Optional[int] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., outputs: _Optional[_Union[_records_pb2.Outputs, _Mapping]] = ..., mutations: _Optional[_Iterable[_Union[_state_pb2.Mutations, _Mapping]]] = ..., timers: _Optional[_Iterable[_Union[Timers, _Mapping]]] = ...) -> None: ...

class Timers(_message.Message):
    __slots__ = ("node", "keys", "names", "clocks", "times", "deletes")
    NODE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    CLOCKS_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    DELETES_FIELD_NUMBER: _ClassVar[int]
    node: str
    keys: _containers.RepeatedScalarFieldContainer[bytes]
    names: _containers.RepeatedScalarFieldContainer[str]
    clocks: _containers.RepeatedScalarFieldContainer[_topology_pb2.TimerClock]
    times: _containers.RepeatedScalarFieldContainer[int]
    deletes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, node: _Optional[str] = ..., keys: _Optional[_Iterable[bytes]] = ..., names: _Optional[_Iterable[str]] = ..., clocks: _Optional[_Iterable[_Union[_topology_pb2.TimerClock, str]]] = ..., times: _Optional[_Iterable[int]] = ..., deletes: _Optional[_Iterable[int]] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("type", "message", "stack", "node", "verdict", "retry_after_ms")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    type: str
    message: str
    stack: str
    node: str
    verdict: Verdict
    retry_after_ms: int
    def __init__(self, type: _Optional[str] = ..., message: _Optional[str] = ..., stack: _Optional[str] = ..., node: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class HandBack(_message.Message):
    __slots__ = ("dispatch_id", "task_epoch", "task_id")
    DISPATCH_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_EPOCH_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    dispatch_id: int
    task_epoch: int
    task_id: str
    def __init__(self, dispatch_id: _Optional[int] = ..., task_epoch: _Optional[int] = ..., task_id: _Optional[str] = ...) -> None: ...

class Revoked(_message.Message):
    __slots__ = ("task_id", "task_epoch")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_EPOCH_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    task_epoch: int
    def __init__(self, task_id: _Optional[str] = ..., task_epoch: _Optional[int] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ("timeout_ms",)
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    timeout_ms: int
    def __init__(self, timeout_ms: _Optional[int] = ...) -> None: ...

class Log(_message.Message):
    __slots__ = ("severity", "message")
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    severity: int
    message: str
    def __init__(self, severity: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...
