package outrigger

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

const (
	// The largest frame that this SDK receives, and the largest in chunks where the sidecar agrees.
	maxFrameBytes   = 4 << 20
	maxMessageBytes = 1 << 30
	// What the sidecar takes where it does not say.
	maxFrameBytesDefault = 4 << 20
	// What a frame takes besides its columns, and what a chunk's takes besides its data, at most.
	resultOverheadBytes = 64 << 10
	chunkOverheadBytes  = 16
)

func frameBytesOf(welcome *pb.Welcome) int {
	if welcome.MaxFrameBytes == 0 {
		return maxFrameBytesDefault
	}
	return int(welcome.MaxFrameBytes)
}

// columnsBytesMax is what a result, or a question, may hold: a frame goes whole, or in chunks.
func columnsBytesMax(welcome *pb.Welcome) int {
	return max(frameBytesOf(welcome), int(welcome.MaxMessageBytes)) - resultOverheadBytes
}

// checkWritten fails where a question carries more than the sidecar takes.
func checkWritten(written *pb.Mutations, bytesMax int) error {
	size := 0
	for _, value := range written.GetValues() {
		size += len(value)
	}
	for _, key := range written.GetKeys() {
		size += len(key)
	}
	if size <= bytesMax {
		return nil
	}
	return fmt.Errorf(
		"what was written before a range is read takes %d bytes, the sidecar takes %d: write less for "+
			"each record, or raise server.max.message.bytes", size, bytesMax)
}

// chunks are frames above what the other side receives at once: cut up on their way out, put together on
// their way in (P-56, P-57). Of those that come in it holds the one that is not whole yet. One goroutine
// reads, and one writes.
type chunks struct {
	// Of a frame that goes out whole; 0 until the welcome has come.
	frameBytesMax atomic.Int64
	// Of a frame that comes in chunks.
	messageBytesMax int
	pieces          []byte
}

// outgoing calls send with what is to be written for a frame.
func (c *chunks) outgoing(frame *pb.ProcessRequest, send func(*pb.ProcessRequest) error) error {
	frameBytesMax := int(c.frameBytesMax.Load())
	if frameBytesMax == 0 || proto.Size(frame) <= frameBytesMax {
		return send(frame)
	}
	data, err := proto.Marshal(frame)
	step := frameBytesMax - chunkOverheadBytes
	for err == nil && len(data) > 0 {
		size := min(step, len(data))
		chunk := &pb.Chunk{Data: data[:size], Last: size == len(data)}
		err = send(&pb.ProcessRequest{Frame: &pb.ProcessRequest_Chunk{Chunk: chunk}})
		data = data[size:]
	}
	return err
}

// incoming is the frame that came, or that is whole now; nil in the midst of one. It fails where the
// sidecar breaks the protocol.
func (c *chunks) incoming(response *pb.ProcessResponse) (*pb.ProcessResponse, error) {
	switch frame := response.Frame.(type) {
	case *pb.ProcessResponse_Chunk:
		return c.take(frame.Chunk)
	case *pb.ProcessResponse_Reject:
		return response, nil
	case *pb.ProcessResponse_Welcome:
		c.frameBytesMax.Store(int64(frameBytesOf(frame.Welcome)))
		c.messageBytesMax = int(frame.Welcome.MaxMessageBytes)
	}
	if len(c.pieces) > 0 {
		return nil, broken("another frame after %d bytes of one in chunks", len(c.pieces))
	}
	return response, nil
}

func (c *chunks) take(chunk *pb.Chunk) (*pb.ProcessResponse, error) {
	sum := len(c.pieces) + len(chunk.Data)
	if len(chunk.Data) == 0 || sum > c.messageBytesMax {
		return nil, broken("%d bytes as a chunk, %d in all; %d were agreed on",
			len(chunk.Data), sum, c.messageBytesMax)
	}
	c.pieces = append(c.pieces, chunk.Data...)
	if !chunk.Last {
		return nil, nil
	}
	whole := new(pb.ProcessResponse)
	err := decodeFrame(c.pieces, whole)
	c.pieces = nil
	if err != nil {
		return nil, broken("chunks that are no frame: %v", err)
	}
	if whole.GetChunk() != nil {
		return nil, broken("chunks of a chunk")
	}
	return whole, nil
}

func broken(format string, values ...any) *RejectedError {
	return &RejectedError{"PROTOCOL_VIOLATION", "the sidecar sent " + fmt.Sprintf(format, values...)}
}
