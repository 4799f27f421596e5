"""Serdes for Confluent's wire format, by confluent-kafka's own serializers.

Needs the extra ``outrigger[schema-registry]``. The registry's answers are cached by its client, so
that a schema is asked for once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from confluent_kafka.serialization import MessageField, SerializationContext

from .serdes import Serde

_FIELDS = {"key": MessageField.KEY, "value": MessageField.VALUE}


def confluent(
    serializer: Callable[[Any, SerializationContext], bytes | None],
    deserializer: Callable[[bytes | None, SerializationContext], Any],
    topic: str,
    field: Literal["key", "value"] = "value",
) -> Serde[Any]:
    """A serde of a pair such as AvroSerializer and AvroDeserializer, for one topic, whose name and
    field decide the subject. Null stays null: a tombstone is no record of the schema."""
    context = SerializationContext(topic, _FIELDS[field])
    return Serde(
        lambda value: None if value is None else serializer(value, context),
        lambda data: None if data is None else deserializer(data, context),
    )
