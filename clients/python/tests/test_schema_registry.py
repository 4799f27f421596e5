"""With confluent-kafka's own serializers, against its registry in memory."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from typing import Any

import pytest

warnings.simplefilter("ignore")
confluent_kafka = pytest.importorskip("confluent_kafka.schema_registry")

from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: E402
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer  # noqa: E402
from confluent_kafka.schema_registry.json_schema import (  # noqa: E402
    JSONDeserializer,
    JSONSerializer,
)
from confluent_kafka.schema_registry.protobuf import (  # noqa: E402
    ProtobufDeserializer,
    ProtobufSerializer,
)
from fake_sidecar import FakeSidecar, outputs_of  # noqa: E402

from outrigger import Serde, utf8  # noqa: E402
from outrigger.gen import records_pb2  # noqa: E402
from outrigger.schema_registry import confluent  # noqa: E402

AVRO = '{"type":"record","name":"Order","fields":[{"name":"cents","type":"long"}]}'
JSON_SCHEMA = (
    '{"title":"Order","type":"object","properties":{"cents":{"type":"integer"}},'
    '"required":["cents"]}'
)


@dataclass(frozen=True)
class Registry:
    client: Any


@pytest.fixture
def registry() -> Registry:
    return Registry(SchemaRegistryClient.new_client({"url": "mock://"}))


def avro(registry: Registry) -> Serde[Any]:
    write = AvroSerializer(registry.client, AVRO)
    return confluent(write, AvroDeserializer(registry.client), "orders")


def check(serde: Serde[Any], value: Any, registry: Registry) -> None:
    written = serde.serialize(value)
    assert written is not None
    assert serde.deserialize(written) == value
    magic, schema_id = struct.unpack(">bi", written[:5])
    assert magic == 0
    assert registry.client.get_latest_version("orders-value").schema_id == schema_id
    assert serde.serialize(None) is None
    assert serde.deserialize(None) is None


def test_avro(registry: Registry) -> None:
    check(avro(registry), {"cents": 7}, registry)


def test_json_schema(registry: Registry) -> None:
    write = JSONSerializer(JSON_SCHEMA, registry.client)
    read = JSONDeserializer(JSON_SCHEMA, schema_registry_client=registry.client)
    serde = confluent(write, read, "orders")
    check(serde, {"cents": 7}, registry)
    with pytest.raises(Exception, match="cents"):
        serde.serialize({})


def test_protobuf(registry: Registry) -> None:
    config = {"use.deprecated.format": False}
    write = ProtobufSerializer(records_pb2.Header, registry.client, config)
    read = ProtobufDeserializer(records_pb2.Header, config, registry.client)
    check(confluent(write, read, "orders"), records_pb2.Header(key="k", value=b"v"), registry)


def test_a_keys_subject_is_the_keys(registry: Registry) -> None:
    write = AvroSerializer(registry.client, '"string"')
    serde = confluent(write, AvroDeserializer(registry.client), "orders", "key")
    assert serde.deserialize(serde.serialize("k")) == "k"
    assert registry.client.get_subjects() == ["orders-key"]


def test_a_record_of_a_schema_that_nobody_registered_fails_alone(registry: Registry) -> None:
    sidecar = FakeSidecar(value=avro(registry))
    doubled = sidecar.source.map_values(lambda order: str(order["cents"] * 2), name="p")
    doubled.to("topic-out", key=utf8, value=utf8, name="out")
    sidecar.welcome("p")
    good = avro(registry).serialize({"cents": 7})
    bad = b"\0\0\0\0\x63\x0e"
    segment = records_pb2.Segment(base_offset=10, keys=[b"a", b"b"], values=[good or b"", bad])
    sidecar.batch(segment=segment)
    result = sidecar.result()
    assert outputs_of(result) == ["0: a=14"]
    assert result.failure.message.startswith("the value of app/topic-0@11 cannot be read")
