"""Frames above what the other side receives at once."""

from __future__ import annotations

import pytest

from outrigger.chunks import Chunks, check_written, columns_bytes_max
from outrigger.errors import OutriggerError
from outrigger.gen import processor_pb2 as pb
from outrigger.gen import state_pb2

MIB = 1024 * 1024


def agreed(max_message_bytes: int = 8 * MIB) -> Chunks:
    chunks = Chunks()
    welcome = pb.Welcome(max_frame_bytes=MIB, max_message_bytes=max_message_bytes)
    assert chunks.incoming(pb.ProcessResponse(welcome=welcome)) is not None
    return chunks


def chunk(data: bytes, last: bool) -> pb.ProcessResponse:
    return pb.ProcessResponse(chunk=pb.Chunk(data=data, last=last))


def batch(size: int) -> bytes:
    frame = pb.ProcessResponse(batch=pb.Batch(task_id="0_0"))
    frame.batch.segments.add(keys=[b"k"], values=[b"v" * size])
    return frame.SerializeToString()


@pytest.mark.parametrize("size", [MIB - 40, MIB, 3 * MIB + 5])
def test_what_goes_out_goes_whole_where_it_fits_and_in_chunks_that_fit_where_not(size: int) -> None:
    frame = pb.ProcessRequest(log=pb.Log(message="x" * size))
    sent = list(agreed().outgoing(frame))
    assert max(map(len, sent)) <= MIB
    if size < MIB - 16:
        assert sent == [frame.SerializeToString()]
        return
    chunks = [pb.ProcessRequest.FromString(data).chunk for data in sent]
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert b"".join(chunk.data for chunk in chunks) == frame.SerializeToString()


def test_chunks_are_a_frame_when_the_last_has_come_and_the_next_one_begins_anew() -> None:
    chunks = agreed()
    for size in (MIB, 5 * MIB):
        data = batch(size)
        assert chunks.incoming(chunk(data[:MIB], False)) is None
        whole = chunks.incoming(chunk(data[MIB:], True))
        assert whole is not None
        assert len(whole.batch.segments[0].values[0]) == size


def test_chunks_may_be_cut_off_by_a_reject_and_by_nothing_else() -> None:
    chunks = agreed()
    chunks.incoming(chunk(b"x", False))
    with pytest.raises(OutriggerError, match="another frame after 1 bytes of one in chunks"):
        chunks.incoming(pb.ProcessResponse(drain=pb.Drain()))
    reject = pb.ProcessResponse(reject=pb.Reject(code="HANDLER_FAILED"))
    assert chunks.incoming(reject) is reject


def test_chunks_not_agreed_on_empty_too_large_or_of_a_chunk_are_refused() -> None:
    with pytest.raises(OutriggerError, match="0 were agreed on"):
        Chunks().incoming(chunk(b"x", False))
    with pytest.raises(OutriggerError, match="0 bytes as a chunk"):
        agreed().incoming(chunk(b"", False))
    chunks = agreed()
    chunks.incoming(chunk(b"x" * 5 * MIB, False))
    with pytest.raises(OutriggerError, match="10485760 in all; 8388608 were agreed on"):
        chunks.incoming(chunk(b"x" * 5 * MIB, True))
    with pytest.raises(OutriggerError, match="chunks of a chunk"):
        agreed().incoming(chunk(chunk(b"x", True).SerializeToString(), True))


def test_a_question_that_carries_more_than_the_sidecar_takes_fails_its_record() -> None:
    bytes_max = columns_bytes_max(pb.Welcome(max_frame_bytes=MIB, max_message_bytes=2 * MIB))
    written = state_pb2.Mutations(keys=[b"k"], values=[b"v" * MIB])
    check_written(written, bytes_max)
    written.values.append(b"v" * MIB)
    with pytest.raises(ValueError, match=r"2097153 bytes, .* raise server\.max\.message\.bytes"):
        check_written(written, bytes_max)
