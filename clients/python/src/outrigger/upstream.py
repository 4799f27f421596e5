"""Where a stream comes from, and how its records are written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .serdes import Serde
from .topology import Serdes, TopologyBuilder


@dataclass(frozen=True)
class Upstream:
    """What follows a stream is declared under these nodes. A serde is None, not known, behind code
    that may change the type."""

    builder: TopologyBuilder
    # One, or behind ``merge`` several.
    nodes: tuple[str, ...]
    key: Serde[Any] | None
    value: Serde[Any] | None

    def serdes(self) -> Serdes:
        """With what is not known taken from the application's defaults."""
        return self.builder.serdes(self.key, self.value)

    def named(self, key: Serde[Any] | None, value: Serde[Any] | None) -> Upstream:
        """What is given, and what the stream has for what is not."""
        return replace(self, key=key or self.key, value=value or self.value)

    def after(self, node: str, *, keeps_key: bool, keeps_value: bool) -> Upstream:
        key = self.key if keeps_key else None
        return Upstream(self.builder, (node,), key, self.value if keeps_value else None)


def merged(left: Upstream, right: Upstream) -> Upstream:
    """Both in one. Raises ValueError where a node is in both, or their serdes are known and
    differ."""
    if left.builder is not right.builder:
        raise ValueError("streams of two applications cannot be merged")
    for node in left.nodes:
        if node in right.nodes:
            raise ValueError(f'the records of "{node}" would be in the merged stream twice')
    key = _agreed("key", left.key, right.key, left, right)
    value = _agreed("value", left.value, right.value, left, right)
    return Upstream(left.builder, left.nodes + right.nodes, key, value)


def _agreed(
    what: str, one: Serde[Any] | None, two: Serde[Any] | None, left: Upstream, right: Upstream
) -> Serde[Any] | None:
    if one is None or two is None or one.is_same_as(two):
        return one or two
    raise ValueError(
        f'merged streams have the same {what} serde, those of "{", ".join(left.nodes)}" and '
        f'"{", ".join(right.nodes)}" differ: read both with the same one'
    )
