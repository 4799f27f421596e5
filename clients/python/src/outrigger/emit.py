"""When an aggregate forwards its results."""

from __future__ import annotations

from dataclasses import dataclass

from .gen import topology_pb2 as pb


@dataclass(frozen=True)
class EmitStrategy:
    """What ``emit_strategy`` takes, as Kafka Streams'; ``on_commit`` is the sidecar's own."""

    _kind: pb.EmitStrategy

    @staticmethod
    def on_window_update() -> EmitStrategy:
        """Each update is forwarded, windowed or not: what holds where nothing is said."""
        return EmitStrategy(pb.EMIT_STRATEGY_ON_WINDOW_UPDATE)

    @staticmethod
    def on_window_close() -> EmitStrategy:
        """Each window is forwarded once, when stream time has passed its end and its grace
        (KIP-825), with the latest time of its records. What your code folds is forwarded as its
        store has it: a sink right behind it that writes keys or values otherwise is refused at the
        first record."""
        return EmitStrategy(pb.EMIT_STRATEGY_ON_WINDOW_CLOSE)

    @staticmethod
    def on_commit() -> EmitStrategy:
        """Each key that a commit changed is forwarded once, with its last value, in that commit;
        windowed or not, with topics and repartitions behind it."""
        return EmitStrategy(pb.EMIT_STRATEGY_ON_COMMIT)

    def wire(self) -> pb.EmitStrategy:
        return self._kind
