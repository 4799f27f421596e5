package outrigger

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// codec is gRPC's own, but that batches are read by hand.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

func (c codec) Unmarshal(data mem.BufferSlice, into any) error {
	frame, isFrame := into.(*pb.ProcessResponse)
	if !isFrame {
		return c.CodecV2.Unmarshal(data, into)
	}
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	return decodeFrame(whole.ReadOnlyData(), frame)
}
