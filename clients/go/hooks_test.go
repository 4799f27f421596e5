package outrigger

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

type hookHandler = func(context.Context, Record[string, string]) error

// asking forwards each record and asks the hook for it; of a record "bad" it fails afterwards.
func asking(run hookHandler, opts ...Option) *App {
	app := New(Config{})
	receipt := AfterCommit(app, "receipt", UTF8, UTF8, run, opts...)
	in := Stream(app, UTF8, UTF8, []string{"in"})
	Process(in, func(ctx *Context[string, string], r Record[string, string]) error {
		receipt.AfterCommit(ctx, "receipt of "+r.Value)
		ctx.Forward(r.Key, r.Value)
		if r.Value == "bad" {
			return errors.New("refused")
		}
		return nil
	}, Named("p")).To("out", UTF8, UTF8, Named("out"))
	return app
}

func notYet(context.Context, Record[string, string]) error {
	return errors.New("nothing has committed")
}

// welcomedToHook is a session that knows the stage of the hook too.
func welcomedToHook(app *App) *fakeSidecar {
	f := newFake(app, &pb.Stage{})
	f.received(&pb.ProcessResponse{Frame: &pb.ProcessResponse_Welcome{Welcome: &pb.Welcome{
		ProtocolMinor: 2, ApplicationId: "app", Sources: []string{"in", "app-receipt-hook"},
		Stages: []*pb.Stage{
			{Entries: []string{"p"}, Sinks: []string{"out", "receipt"}},
			{Entries: []string{"receipt"}},
		},
	}}})
	return f
}

// requested sends one request of the hook, with "r" as its key and payload.
func (f *fakeSidecar) requested() {
	segment := &pb.Segment{Source: 1, BaseOffset: 10, Keys: [][]byte{[]byte("r")}, Values: [][]byte{[]byte("r")}}
	f.received(&pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: &pb.Batch{
		DispatchId: 1, TaskEpoch: 1, TaskId: "1_0", Stage: 1, Segments: []*pb.Segment{segment},
	}}})
}

func TestARequestIsAnOutputToTheHookAndUndoneWithItsRecord(t *testing.T) {
	f := welcomedToHook(asking(notYet))
	f.batch(1, "1", "bad")
	result := f.result(t)
	outputs := result.GetOutputs()
	if result.Done != 1 || !reflect.DeepEqual(outputs.Sinks, []uint32{1, 0}) {
		t.Fatalf("done %d, sinks %v", result.Done, outputs.Sinks)
	}
	if key, value := string(outputs.Keys[0]), string(outputs.Values[0]); key != "1" || value != "receipt of 1" {
		t.Fatalf("asked %s=%s", key, value)
	}
}

func TestAHookRunsOnWhatItsOwnStageBrings(t *testing.T) {
	ran := ""
	f := welcomedToHook(asking(func(ctx context.Context, r Record[string, string]) error {
		ran = strings.Join([]string{r.Key, r.Value, r.IdempotencyKey()}, " ")
		return ctx.Err()
	}))
	f.requested()
	if result := f.result(t); result.Done != 1 || len(result.GetOutputs().GetInputs()) != 0 {
		t.Fatal(result)
	}
	if ran != "r r app/app-receipt-hook-0@10" {
		t.Fatal(ran)
	}
}

func TestAHookThatFailsSaysSoUnderItsOwnName(t *testing.T) {
	for _, run := range []hookHandler{
		func(context.Context, Record[string, string]) error { return errors.New("no mail today") },
		func(context.Context, Record[string, string]) error { panic("no mail today") },
	} {
		f := welcomedToHook(asking(run))
		f.requested()
		result := f.result(t)
		failure := result.GetFailure()
		if result.Done != 0 || failure.GetNode() != "receipt" ||
			!strings.Contains(failure.GetMessage(), "no mail today") {
			t.Fatal(result)
		}
	}
}

func TestARequestToAHookOfAnotherApplicationFailsItsRecord(t *testing.T) {
	other := AfterCommit(New(Config{}), "elsewhere", UTF8, UTF8, notYet)
	f := processing(func(ctx *Context[string, string], r Record[string, string]) error {
		other.AfterCommit(ctx, r.Value)
		return nil
	})
	f.batch(1, "1")
	result := f.result(t)
	if result.Done != 0 || !strings.Contains(result.GetFailure().GetMessage(), `no hook "elsewhere"`) {
		t.Fatal(result)
	}
}

func TestAHookIsDeclaredUnderEveryProcessWithItsPolicy(t *testing.T) {
	app := asking(notYet, WithFailurePolicy(FailurePolicy{RetryMax: Ptr(2)}))
	nodes := app.topology.build().Nodes
	hook := nodes[len(nodes)-1]
	if hook.Name != "receipt" || !reflect.DeepEqual(hook.Parents, []string{"p"}) {
		t.Fatal(hook)
	}
	if hook.GetHook().GetFailurePolicy().GetRetryMax() != 2 || app.topology.problem() != nil {
		t.Fatal(hook, app.topology.problem())
	}
}

func TestAHookThatNothingCanAskForOrWhoseNameIsTakenIsRefused(t *testing.T) {
	app := New(Config{})
	AfterCommit(app, "receipt", UTF8, UTF8, notYet)
	err := app.RunAt(context.Background(), "unix:/nowhere", "")
	if err == nil || !strings.Contains(err.Error(), `nothing can ask for the hook "receipt"`) {
		t.Fatal(err)
	}
	app = asking(notYet)
	AfterCommit(app, "receipt", UTF8, UTF8, notYet)
	if err := app.topology.problem(); err == nil || !strings.Contains(err.Error(), "two nodes") {
		t.Fatal(err)
	}
}
