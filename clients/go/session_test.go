package outrigger

import (
	"errors"
	"strings"
	"sync"
	"testing"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// fakeSidecar plays the sidecar's end of a session: sends frames, keeps what comes back.
type fakeSidecar struct {
	*session
	mu      sync.Mutex
	arrived *sync.Cond
	frames  []*pb.ProcessRequest
	refusal *RejectedError
	isIdle  bool
}

type host struct{ *fakeSidecar }

func (h host) keep(change func()) {
	h.fakeSidecar.mu.Lock()
	defer h.fakeSidecar.mu.Unlock()
	change()
	h.arrived.Broadcast()
}
func (h host) send(f *pb.ProcessRequest)   { h.keep(func() { h.frames = append(h.frames, f) }) }
func (h host) welcomed(*pb.Welcome)        {}
func (h host) rejected(err *RejectedError) { h.keep(func() { h.refusal = err }) }
func (h host) idle()                       { h.keep(func() { h.isIdle = true }) }
func (f *fakeSidecar) until(so func() bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !so() {
		f.arrived.Wait()
	}
}

func newFake(app *App, stage *pb.Stage) *fakeSidecar {
	f := &fakeSidecar{}
	f.arrived = sync.NewCond(&f.mu)
	f.session = newSession(app.topology.nodes, host{f})
	f.received(&pb.ProcessResponse{Frame: &pb.ProcessResponse_Welcome{Welcome: &pb.Welcome{
		ProtocolMinor: 2, ApplicationId: "app", Sources: []string{"in"}, Stages: []*pb.Stage{stage},
	}}})
	return f
}

func (f *fakeSidecar) batch(id uint64, keys ...string) {
	segment := &pb.Segment{BaseOffset: 10, BaseTimestamp: 1000}
	for _, key := range keys {
		segment.Keys = append(segment.Keys, []byte(key))
		segment.Values = append(segment.Values, []byte(key))
	}
	f.received(&pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: &pb.Batch{
		DispatchId: id, TaskEpoch: 1, TaskId: "0_0", Segments: []*pb.Segment{segment},
	}}})
}

func (f *fakeSidecar) result(t *testing.T) *pb.BatchResult {
	t.Helper()
	f.until(func() bool { return len(f.frames) > 0 || f.refusal != nil })
	if f.refusal != nil {
		t.Fatal(f.refusal)
	}
	return f.frames[0].GetResult()
}

func processing(handler func(*Context[string, string], Record[string, string]) error) *fakeSidecar {
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"})
	Process(in, handler, Named("code")).To("out", UTF8, UTF8, Named("out"))
	return newFake(app, &pb.Stage{Entries: []string{"code"}, Sinks: []string{"out"}})
}

func TestAPanicFailsItsRecordAlone(t *testing.T) {
	f := processing(func(ctx *Context[string, string], r Record[string, string]) error {
		ctx.Forward(r.Key, r.Value)
		if r.Key == "b" {
			panic("too bad")
		}
		return nil
	})
	f.batch(1, "a", "b", "c")
	result := f.result(t)
	if result.Done != 1 || len(result.Outputs.Keys) != 1 {
		t.Fatalf("%d rows are done, with %d outputs", result.Done, len(result.Outputs.Keys))
	}
	if result.Failure.Type != "panic" || !strings.Contains(result.Failure.Message, "too bad") {
		t.Fatalf("the failure is %v", result.Failure)
	}
}

func TestWhatFailsDownstreamFailsTheRecord(t *testing.T) {
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"})
	forwarded := Process(in, func(ctx *Context[string, string], r Record[string, string]) error {
		ctx.Forward(r.Key, r.Value)
		return nil
	}, Named("code"))
	MapValues(forwarded, func(string) (string, error) { return "", errors.New("downstream") }).
		To("out", UTF8, UTF8, Named("out"))
	f := newFake(app, &pb.Stage{Entries: []string{"code"}, Sinks: []string{"out"}})
	f.batch(1, "a")
	if failure := f.result(t).Failure; failure.GetMessage() != "downstream" {
		t.Fatalf("the failure is %v", failure)
	}
}

func TestAContextIsOfNoUseOnceItsRecordIsDone(t *testing.T) {
	var kept *Context[string, string]
	f := processing(func(ctx *Context[string, string], _ Record[string, string]) error {
		kept = ctx
		return nil
	})
	f.batch(1, "a")
	f.result(t)
	defer func() {
		if recover() == nil {
			t.Fatal("a forward came after the record was done")
		}
	}()
	kept.Forward("a", "b")
}

func TestABatchOfAStageThatWasNeverAnnouncedEndsTheStream(t *testing.T) {
	f := processing(func(*Context[string, string], Record[string, string]) error { return nil })
	f.received(&pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: &pb.Batch{Stage: 7}}})
	f.until(func() bool { return f.refusal != nil })
	if f.refusal.Code != "PROTOCOL_VIOLATION" || !strings.Contains(f.refusal.Message, "stage 7") {
		t.Fatal(f.refusal)
	}
}

func TestRunSaysWhatIsWrongWithATopology(t *testing.T) {
	app := New(Config{Address: "unix:/nowhere"})
	Stream(app, UTF8, UTF8, []string{"in"}, Named("twice"))
	Stream(app, UTF8, UTF8, []string{"in"}, Named("twice"))
	if err := app.Run(t.Context()); err == nil || !strings.Contains(err.Error(), `"twice"`) {
		t.Fatal(err)
	}
}
