package outrigger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

const (
	method        = "/outrigger.v1.ProcessorService/Process"
	protocolMinor = 6
	sdkVersion    = "0.1.0"
	// HTTP/2's window of what we receive: some batches, so that the sidecar never waits for our code.
	windowBytes = 1 << 20
	// How long a sidecar may take to end a stream that we have half-closed.
	endTimeout = 2 * time.Second
)

var streamDesc = grpc.StreamDesc{StreamName: "Process", ServerStreams: true, ClientStreams: true}

// connection is one stream to a sidecar.
type connection struct {
	conn   *grpc.ClientConn
	stream grpc.ClientStream
	cancel context.CancelFunc
	chunks chunks

	mu   sync.Mutex
	more *sync.Cond
	// Bounded by the credit: an answer for each batch held, and the questions that it asks.
	frames  []*pb.ProcessRequest
	isEnded bool
}

// connect opens a channel of its own: a shared one would stand still in a back-off of its own, which
// grows to minutes while a sidecar is away.
func connect(address, token string) (*connection, error) {
	target := address
	if !strings.HasPrefix(address, "unix:") {
		target = "passthrough:///" + address
	}
	conn, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxFrameBytes), grpc.ForceCodecV2(newCodec())),
		grpc.WithInitialWindowSize(windowBytes),
		grpc.WithInitialConnWindowSize(windowBytes),
		grpc.WithDisableRetry(),
		grpc.WithNoProxy(),
	)
	if err != nil {
		return nil, fmt.Errorf("the address %q cannot be used: %w", address, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "outrigger-token", token)
	}
	c := &connection{conn: conn, cancel: cancel}
	c.more = sync.NewCond(&c.mu)
	if c.stream, err = conn.NewStream(ctx, &streamDesc, method); err != nil {
		c.close()
		return nil, err
	}
	go c.write()
	return c, nil
}

// send never waits.
func (c *connection) send(frame *pb.ProcessRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames = append(c.frames, frame)
	c.more.Signal()
}

// end half-closes after what was sent; the sidecar then ends the stream, or we do.
func (c *connection) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isEnded = true
	c.more.Signal()
	time.AfterFunc(endTimeout, c.cancel)
}

func (c *connection) close() {
	c.cancel()
	c.mu.Lock()
	c.isEnded = true
	c.frames = nil
	c.more.Signal()
	c.mu.Unlock()
	_ = c.conn.Close()
}

func (c *connection) write() {
	send := func(frame *pb.ProcessRequest) error { return c.stream.SendMsg(frame) }
	for {
		c.mu.Lock()
		for len(c.frames) == 0 && !c.isEnded {
			c.more.Wait()
		}
		frames := c.frames
		c.frames = nil
		c.mu.Unlock()
		if len(frames) == 0 {
			_ = c.stream.CloseSend()
			return
		}
		for _, frame := range frames {
			// What is wrong with the stream, its reader hears.
			if c.chunks.outgoing(frame, send) != nil {
				return
			}
		}
	}
}

// read hands frames over until the stream ends, and says how.
func (c *connection) read(received func(*pb.ProcessResponse)) error {
	for {
		frame := new(pb.ProcessResponse)
		if err := c.stream.RecvMsg(frame); err != nil {
			return err
		}
		whole, err := c.chunks.incoming(frame)
		if err != nil {
			return err
		}
		if whole != nil {
			received(whole)
		}
	}
}

// verdict is a RejectedError where connecting again would end the same way, else nil.
func verdict(err error) *RejectedError {
	var refused *RejectedError
	if errors.As(err, &refused) {
		return refused
	}
	switch said := status.Convert(err); said.Code() {
	case codes.Unauthenticated:
		return &RejectedError{"UNAUTHENTICATED", said.Message()}
	case codes.Unimplemented:
		text := "what answers at this address is no sidecar of this protocol (" + said.Message() + ")"
		return &RejectedError{"PROTOCOL_VERSION", text}
	default:
		return nil
	}
}

func reasonOf(err error) string {
	if errors.Is(err, io.EOF) {
		return "the sidecar closed the stream"
	}
	return status.Convert(err).Message()
}

// helloFrame is the first frame of every stream.
func helloFrame(declared *pb.Topology, applicationID string) *pb.ProcessRequest {
	hello := &pb.Hello{
		ProtocolMinor:   protocolMinor,
		Sdk:             &pb.Sdk{Name: "outrigger-go", Version: sdkVersion, Runtime: runtime.Version()},
		Topology:        declared,
		MaxFrameBytes:   maxFrameBytes,
		MaxMessageBytes: maxMessageBytes,
		ApplicationId:   applicationID,
	}
	return &pb.ProcessRequest{Frame: &pb.ProcessRequest_Hello{Hello: hello}}
}
