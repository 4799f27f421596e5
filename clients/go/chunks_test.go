package outrigger

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

const mib = 1 << 20

func agreed(t *testing.T) *chunks {
	t.Helper()
	c := new(chunks)
	welcome := &pb.Welcome{MaxFrameBytes: mib, MaxMessageBytes: 8 * mib}
	frame := &pb.ProcessResponse{Frame: &pb.ProcessResponse_Welcome{Welcome: welcome}}
	if whole, err := c.incoming(frame); whole != frame || err != nil {
		t.Fatal(whole, err)
	}
	return c
}

func chunkOf(data []byte, last bool) *pb.ProcessResponse {
	return &pb.ProcessResponse{Frame: &pb.ProcessResponse_Chunk{Chunk: &pb.Chunk{Data: data, Last: last}}}
}

func encode(t *testing.T, message proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func refusedFor(t *testing.T, c *chunks, frame *pb.ProcessResponse, said string) {
	t.Helper()
	_, err := c.incoming(frame)
	if refused := verdict(err); refused == nil || !strings.Contains(refused.Message, said) {
		t.Fatalf("refused for %v, not for %q", err, said)
	}
}

func TestFramesGoOutWholeWhereTheyFitAndInChunksThatFitWhereNot(t *testing.T) {
	for _, size := range []int{mib - 40, mib, 3*mib + 5} {
		log := &pb.Log{Message: strings.Repeat("x", size)}
		frame := &pb.ProcessRequest{Frame: &pb.ProcessRequest_Log{Log: log}}
		var sent []*pb.ProcessRequest
		err := agreed(t).outgoing(frame, func(one *pb.ProcessRequest) error {
			sent = append(sent, one)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if size < mib-16 {
			if len(sent) != 1 || sent[0] != frame {
				t.Fatalf("%d bytes went out as %d frames", size, len(sent))
			}
			continue
		}
		var pieces []byte
		for index, one := range sent {
			if proto.Size(one) > mib || one.GetChunk().GetLast() != (index == len(sent)-1) {
				t.Fatalf("chunk %d of %d: %d bytes", index, len(sent), proto.Size(one))
			}
			pieces = append(pieces, one.GetChunk().GetData()...)
		}
		if !bytes.Equal(pieces, encode(t, frame)) {
			t.Fatal("the chunks are not the frame")
		}
	}
}

func TestChunksAreAFrameWhenTheLastHasComeAndTheNextOneBeginsAnew(t *testing.T) {
	c := agreed(t)
	for _, size := range []int{mib, 5 * mib} {
		segment := &pb.Segment{Values: [][]byte{make([]byte, size)}}
		batch := &pb.Batch{Segments: []*pb.Segment{segment}}
		data := encode(t, &pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: batch}})
		if whole, err := c.incoming(chunkOf(data[:mib], false)); whole != nil || err != nil {
			t.Fatal(whole, err)
		}
		whole, err := c.incoming(chunkOf(data[mib:], true))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(whole.GetBatch().Segments[0].Values[0]); got != size {
			t.Fatalf("%d bytes came of %d", got, size)
		}
	}
}

func TestChunksMayBeCutOffByARejectAndByNothingElse(t *testing.T) {
	c := agreed(t)
	if _, err := c.incoming(chunkOf([]byte("x"), false)); err != nil {
		t.Fatal(err)
	}
	drain := &pb.ProcessResponse{Frame: &pb.ProcessResponse_Drain{Drain: &pb.Drain{}}}
	refusedFor(t, c, drain, "another frame after 1 bytes of one in chunks")
	reject := &pb.ProcessResponse{Frame: &pb.ProcessResponse_Reject{Reject: &pb.Reject{}}}
	if whole, err := c.incoming(reject); whole != reject || err != nil {
		t.Fatal(whole, err)
	}
}

func TestChunksNotAgreedOnEmptyTooLargeOrOfAChunkAreRefused(t *testing.T) {
	refusedFor(t, new(chunks), chunkOf([]byte("x"), false), "0 were agreed on")
	refusedFor(t, agreed(t), chunkOf(nil, false), "0 bytes as a chunk")
	refusedFor(t, agreed(t), chunkOf(encode(t, chunkOf([]byte("x"), true)), true), "chunks of a chunk")
	refusedFor(t, agreed(t), chunkOf([]byte{0xff}, true), "chunks that are no frame")
	c := agreed(t)
	if _, err := c.incoming(chunkOf(make([]byte, 5*mib), false)); err != nil {
		t.Fatal(err)
	}
	refusedFor(t, c, chunkOf(make([]byte, 5*mib), true), "10485760 in all; 8388608 were agreed on")
}

func TestAQuestionThatCarriesMoreThanTheSidecarTakesFailsItsRecord(t *testing.T) {
	bytesMax := columnsBytesMax(&pb.Welcome{MaxFrameBytes: mib, MaxMessageBytes: 2 * mib})
	written := &pb.Mutations{Keys: [][]byte{[]byte("k")}, Values: [][]byte{make([]byte, mib)}}
	if err := checkWritten(written, bytesMax); err != nil {
		t.Fatal(err)
	}
	written.Values = append(written.Values, make([]byte, mib))
	err := checkWritten(written, bytesMax)
	if err == nil || !strings.Contains(err.Error(), "raise server.max.message.bytes") {
		t.Fatal(err)
	}
}
