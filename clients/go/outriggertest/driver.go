// Package outriggertest runs an application in its unit tests on the sidecar's own kernel, without a
// broker. The clock stands still until it is told to move.
package outriggertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	outrigger "github.com/outrigger-io/outrigger/clients/go"
	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// How long the application has for the record at hand when its test ends.
const stopGrace = time.Second

// Options of a driver; the zero value takes every default.
type Options struct {
	// Settings are the sidecar's, by their dotted keys.
	Settings map[string]string
	// Topics are those with more than one partition, or that the topology does not name.
	Topics map[string]int
	// WallClock is the clock at the start. Default: now.
	WallClock time.Time
	// Timeout is how long the application may take, in real time. Default: 30 s.
	Timeout time.Duration
	// Command starts the sidecar. Default: OUTRIGGER_BIN, `outrigger` of the path, or npx.
	Command []string
}

// Fault is what goes wrong with the next commit that has records, once.
type Fault pb.Fault

const (
	// CommitFailed is refused, aborted and tried again.
	CommitFailed = Fault(pb.Fault_FAULT_COMMIT_FAILED)
	// Redeliver comes too late: the partitions are taken over again, and the records go out again.
	Redeliver = Fault(pb.Fault_FAULT_REDELIVER)
	// UnknownOutcome takes effect, and its answer is lost.
	UnknownOutcome = Fault(pb.Fault_FAULT_UNKNOWN_OUTCOME)
)

// Settled is how the application stands when nothing is left to do without time passing.
type Settled struct {
	// Committed says that every record is done with.
	Committed bool
	// Waiting is how a record failed that is tried again when the clock has moved; else empty.
	Waiting string
}

// Driver drives one application; it ends with its test.
type Driver struct {
	t       testing.TB
	process *process
	conn    *grpc.ClientConn
	timeout uint32
}

// New starts the application, and the kernel that it runs on; both end with the test. It fails the test
// where the topology is refused.
func New(t testing.TB, app *outrigger.App, options ...Options) *Driver {
	t.Helper()
	d, err := Start(t, app, options...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Start is New, but that it returns why the application cannot run.
func Start(t testing.TB, app *outrigger.App, options ...Options) (*Driver, error) {
	t.Helper()
	var given Options
	if len(options) > 0 {
		given = options[0]
	}
	p, err := start(given.Command, argumentsOf(app, given))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	d := &Driver{t: t, process: p, timeout: uint32(given.Timeout.Milliseconds())}
	target := p.Address
	if !strings.HasPrefix(target, "unix:") {
		target = "passthrough:///" + target
	}
	d.conn, err = grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		p.stop()
		stop()
		return nil, err
	}
	for name, partitions := range given.Topics {
		asked := &pb.CreateTopicRequest{Name: name, Partitions: uint32(partitions)}
		if err == nil {
			err = d.call("CreateTopic", asked, &pb.CreateTopicResponse{})
		}
	}
	go func() { ended <- app.RunAt(ctx, p.Address, p.Token) }()
	t.Cleanup(func() {
		stop()
		// A handler that hangs would not let it stop: the sidecar goes all the same.
		select {
		case <-ended:
		case <-time.After(stopGrace):
		}
		_ = d.conn.Close()
		p.stop()
	})
	if err != nil {
		return nil, err
	}
	return d, d.await(ended)
}

func argumentsOf(app *outrigger.App, given Options) []string {
	id := app.ApplicationID()
	if id == "" {
		id = "test"
	}
	arguments := []string{"--application.id=" + id}
	for key, value := range given.Settings {
		arguments = append(arguments, fmt.Sprintf("--%s=%s", key, value))
	}
	if !given.WallClock.IsZero() {
		arguments = append(arguments, fmt.Sprintf("--wall-clock=%d", given.WallClock.UnixMilli()))
	}
	return arguments
}

// await waits for the application, or for its end.
func (d *Driver) await(ended chan error) error {
	ready := make(chan error, 1)
	go func() {
		asked := &pb.AwaitApplicationRequest{TimeoutMs: d.timeout}
		ready <- d.call("AwaitApplication", asked, &pb.AwaitApplicationResponse{})
	}()
	select {
	case err := <-ready:
		return err
	case err := <-ended:
		// For the cleanup, which waits for the end too.
		ended <- err
		if err == nil {
			return errors.New("the application ended before it ran")
		}
		return err
	}
}

// AdvanceWallClock moves the clock: back-offs, processing.timeout.ms and the like see that much time
// pass. It fails the test where a task has stopped at a record.
func (d *Driver) AdvanceWallClock(by time.Duration) Settled {
	d.t.Helper()
	asked := &pb.AdvanceWallClockRequest{Ms: uint64(by.Milliseconds()), TimeoutMs: d.timeout}
	answer := &pb.AdvanceWallClockResponse{}
	d.must(d.call("AdvanceWallClock", asked, answer))
	settled, err := settledOf(answer.Settled)
	d.must(err)
	return settled
}

// AdvanceStreamTime moves the stream time of every task to a timestamp, in ms since the epoch, as a record
// of it would, but without one: windows whose grace it passes take nothing more. It never goes back. It
// fails the test while records that were piped are not done with.
func (d *Driver) AdvanceStreamTime(timestamp int64) Settled {
	d.t.Helper()
	asked := &pb.AdvanceStreamTimeRequest{Timestamp: timestamp, TimeoutMs: d.timeout}
	answer := &pb.AdvanceStreamTimeResponse{}
	d.must(d.call("AdvanceStreamTime", asked, answer))
	settled, err := settledOf(answer.Settled)
	d.must(err)
	return settled
}

// WallClock is the driver's.
func (d *Driver) WallClock() time.Time {
	d.t.Helper()
	answer := &pb.DescribeResponse{}
	d.must(d.call("Describe", &pb.DescribeRequest{}, answer))
	return time.UnixMilli(answer.WallClockMs)
}

// Inject makes the next commit that has records go wrong, once.
func (d *Driver) Inject(fault Fault) {
	d.t.Helper()
	asked := &pb.InjectFaultRequest{Fault: pb.Fault(fault)}
	d.must(d.call("InjectFault", asked, &pb.InjectFaultResponse{}))
}

func (d *Driver) call(method string, request, answer proto.Message) error {
	ctx := d.t.Context()
	if d.process.Token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "outrigger-token", d.process.Token)
	}
	err := d.conn.Invoke(ctx, "/outrigger.v1.TestDriverService/"+method, request, answer)
	if err != nil {
		return errors.New(status.Convert(err).Message())
	}
	return nil
}

func (d *Driver) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func settledOf(settled *pb.Settled) (Settled, error) {
	if stopped := settled.GetStopped(); len(stopped) > 0 {
		return Settled{}, errors.New(strings.Join(stopped, "; "))
	}
	return Settled{Committed: settled.GetCommitted(), Waiting: settled.GetWaiting()}, nil
}
