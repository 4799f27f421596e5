package outrigger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
	"google.golang.org/protobuf/proto"
)

type (
	texts       = KStream[string, string]
	textRecord  = Record[string, string]
	textContext = Context[string, string]
)

var errDown = errors.New("down")

func passing(ctx *textContext, r textRecord) error {
	ctx.Forward(r.Key, r.Value)
	return nil
}

func failing(err error) func(string) (string, error) {
	return func(string) (string, error) { return "", err }
}

func panicking(value any) func(string) (string, error) {
	return func(string) (string, error) { panic(value) }
}

// failureIn is how one record fails in a topology whose entry is "p" and whose sink is "out".
func failureIn(t *testing.T, value Serde[string], build func(texts) texts) *pb.Failure {
	t.Helper()
	app := New(Config{})
	build(Stream(app, UTF8, value, []string{"in"})).To("out", UTF8, unwritable, Named("out"))
	f := newFake(app, &pb.Stage{Entries: []string{"p"}, Sinks: []string{"out"}})
	f.batch(1, "a")
	result := f.result(t)
	if result.Done != 0 || len(result.Outputs.GetKeys()) != 0 || result.Failure == nil {
		t.Fatalf("it has not failed: %v", result)
	}
	return result.Failure
}

var unwritable = Serde[string]{
	Serialize: func(value string) ([]byte, error) {
		if value == "unwritable" {
			return nil, errors.New("no such value")
		}
		return []byte(value), nil
	},
	Deserialize: UTF8.Deserialize,
}

func TestAFailureNamesTheInnermostNodeThatFailed(t *testing.T) {
	thenFails := func(ctx *textContext, r textRecord) error {
		ctx.Forward(r.Key, r.Value)
		return errors.New("of my own")
	}
	recovers := func(ctx *textContext, r textRecord) error {
		defer func() { _ = recover() }()
		ctx.Forward(r.Key, r.Value)
		return nil
	}
	below := func(handler func(*textContext, textRecord) error, code func(string) (string, error),
	) func(texts) texts {
		return func(s texts) texts {
			return MapValues(Process(s, handler, Named("p")), code, Named("below"))
		}
	}
	for name, c := range map[string]struct {
		node, message string
		build         func(texts) texts
	}{
		"entry": {"p", "down", func(s texts) texts { return MapValues(s, failing(errDown), Named("p")) }},
		"below": {"below", "down", below(passing, failing(errDown))},
		"panic": {"below", "panic: oh", below(passing, panicking("oh"))},
		"own, and what is below went well": {"p", "of my own",
			below(thenFails, func(value string) (string, error) { return value, nil })},
		"own, and what is below failed too": {"p", "of my own", below(thenFails, failing(errDown))},
		"a panic that the handler took":     {"below", "has panicked", below(recovers, panicking("oh"))},
		"sink": {"out", "no such value",
			below(passing, func(string) (string, error) { return "unwritable", nil })},
	} {
		t.Run(name, func(t *testing.T) {
			failure := failureIn(t, UTF8, c.build)
			if failure.Node != c.node || !strings.Contains(failure.Message, c.message) {
				t.Fatalf("it is said to be of %q: %v", failure.Node, failure)
			}
		})
	}
}

func TestTheFirstOfSeveralForwardsThatFailIsTold(t *testing.T) {
	failure := failureIn(t, UTF8, func(s texts) texts {
		forwarded := Process(s, func(ctx *textContext, r textRecord) error {
			ctx.Forward("k", "first")
			ctx.Forward("k", "second")
			return nil
		}, Named("p"))
		MapValues(forwarded, func(value string) (string, error) {
			if value == "first" {
				return "", errDown
			}
			return value, nil
		}, Named("first"))
		return MapValues(forwarded, failing(errors.New("second")), Named("second"))
	})
	if failure.Node != "first" || failure.Message != "down" {
		t.Fatal(failure)
	}
}

func TestWhatAnEntryCannotReadIsItsFailureAndItsSerdeMayGiveTheVerdict(t *testing.T) {
	refusing := Serde[string]{UTF8.Serialize, func([]byte) (string, error) {
		return "", DeadLetter(errors.New("poison"))
	}}
	failure := failureIn(t, refusing, func(s texts) texts { return Process(s, passing, Named("p")) })
	if failure.Node != "p" || failure.Verdict != pb.Verdict_VERDICT_DEAD_LETTER {
		t.Fatal(failure)
	}
}

type typedNil struct{ text string }

func (e *typedNil) Error() string { return e.text }

func TestVerdictsAreToldAsTheProtocolHasThem(t *testing.T) {
	ms := func(n uint64) *uint64 { return &n }
	busy := RetryLater(io.ErrUnexpectedEOF, 1500*time.Millisecond)
	for _, c := range []struct {
		err     error
		verdict pb.Verdict
		after   *uint64
	}{
		{busy, pb.Verdict_VERDICT_RETRY, ms(1500)},
		{RetryLater(errDown, time.Microsecond), pb.Verdict_VERDICT_RETRY, ms(1)},
		{RetryLater(errDown, 0), pb.Verdict_VERDICT_RETRY, nil},
		{Park(errDown), pb.Verdict_VERDICT_PARK, nil},
		{DeadLetter(errDown), pb.Verdict_VERDICT_DEAD_LETTER, nil},
		{StopTask(errDown), pb.Verdict_VERDICT_FAIL, nil},
		{StopTask(nil), pb.Verdict_VERDICT_FAIL, nil},
		{fmt.Errorf("wrapped: %w", busy), pb.Verdict_VERDICT_RETRY, ms(1500)},
		{errors.Join(errDown, busy), pb.Verdict_VERDICT_RETRY, ms(1500)},
		{DeadLetter(busy), pb.Verdict_VERDICT_DEAD_LETTER, nil},
		{errDown, pb.Verdict_VERDICT_UNSPECIFIED, nil},
		{(*typedNil)(nil), pb.Verdict_VERDICT_UNSPECIFIED, nil},
	} {
		failure := failureIn(t, UTF8, func(s texts) texts {
			return MapValues(s, failing(c.err), Named("p"))
		})
		if failure.Verdict != c.verdict || !proto.Equal(
			&pb.Failure{RetryAfterMs: failure.RetryAfterMs}, &pb.Failure{RetryAfterMs: c.after}) {
			t.Errorf("%v: %v", c.err, failure)
		}
		if failure.Type == "" || failure.Message == "" {
			t.Errorf("%v says nothing: %v", c.err, failure)
		}
	}
	panicked := failureIn(t, UTF8, func(s texts) texts {
		return MapValues(s, panicking(DeadLetter(errDown)), Named("p"))
	})
	if panicked.Type != "panic" || panicked.Verdict != pb.Verdict_VERDICT_DEAD_LETTER {
		t.Error(panicked)
	}
}

func TestAVerdictWrapsTheErrorThatMadeIt(t *testing.T) {
	inner := &typedNil{"why"}
	for _, err := range []error{RetryLater(inner, 0), DeadLetter(inner), StopTask(inner)} {
		var found *typedNil
		if !errors.As(err, &found) || errors.Unwrap(err) != error(inner) || err.Error() != "why" {
			t.Error(err)
		}
	}
	failure := failureIn(t, UTF8, func(s texts) texts {
		return MapValues(s, failing(DeadLetter(inner)), Named("p"))
	})
	if failure.Type != "*outrigger.typedNil" {
		t.Error(failure)
	}
}

func TestAFailuresTextsAreCutBetweenCharacters(t *testing.T) {
	failure := failureIn(t, UTF8, func(s texts) texts {
		return MapValues(s, panicking(strings.Repeat("€", 4000)), Named("p"))
	})
	message, stack := len(failure.Message), len(failure.Stack)
	if message > 4096 || !strings.HasSuffix(failure.Message, "€") || stack > 4096 {
		t.Fatalf("%d and %d bytes", message, stack)
	}
}

func TestARowThatAnAggregateDropsStillGoesToTheEntriesBehindIt(t *testing.T) {
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"})
	Aggregate(in.GroupByKey(), func() string { return "" },
		func(_, value, _ string) (string, error) { return value, nil }, UTF8,
		Named("fold"), StoredAs("s"))
	Process(in, passing, Named("p")).To("out", UTF8, UTF8, Named("out"))
	f := newFake(app, &pb.Stage{
		Entries: []string{"fold", "p"}, Stores: []string{"s"}, Sinks: []string{"out"},
	})
	segment := &pb.Segment{Keys: [][]byte{[]byte("k")}, Values: [][]byte{[]byte("v")}}
	f.received(&pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: &pb.Batch{
		DispatchId: 1, TaskEpoch: 1, TaskId: "0_0", Segments: []*pb.Segment{segment},
		States: []*pb.StateColumns{{SlotCounts: []uint32{0}}},
	}}})
	if result := f.result(t); result.Failure != nil || len(result.Outputs.Keys) != 1 {
		t.Fatal(result)
	}
}

func TestFailurePoliciesGoWithEveryNodeThatHasCode(t *testing.T) {
	policy := WithFailurePolicy(FailurePolicy{
		RetryMax: Ptr(0), RetryInitial: 250 * time.Millisecond, RetryFactor: 1.5,
		RetryMaxDelay: time.Minute, RetryJitter: Ptr(0.0), Exhausted: ExhaustedSkip,
	})
	app := New(Config{})
	s := Stream(app, UTF8, UTF8, []string{"in"})
	Process(s, passing, policy)
	Map(s, func(r textRecord) (string, string, error) { return r.Key, r.Value, nil }, policy)
	MapValues(s, failing(nil), policy)
	s.Filter(func(textRecord) (bool, error) { return true, nil }, policy)
	fold := func(_, _, _ string) (string, error) { return "", nil }
	Aggregate(s.GroupByKey(), func() string { return "" }, fold, UTF8, policy)
	AggregateWindows(
		s.GroupByKey().WindowedBy(Tumbling(time.Minute)), func() string { return "" }, fold, UTF8, policy)
	MapValues(s, failing(nil), WithFailurePolicy(FailurePolicy{}))
	MapValues(s, failing(nil))
	if app.topology.fault != nil {
		t.Fatal(app.topology.fault)
	}
	minute, initial, zero, factor, jitter := uint64(60_000), uint64(250), uint32(0), 1.5, 0.0
	want := &pb.FailurePolicy{
		RetryMax: &zero, RetryInitialMs: &initial, RetryFactor: &factor, RetryMaxDelayMs: &minute,
		RetryJitter: &jitter, Exhausted: pb.Exhausted_EXHAUSTED_SKIP,
	}
	nodes := app.topology.build().Nodes
	for i, declared := range nodes[1:] {
		found := declared.GetFunction().GetFailurePolicy()
		if aggregate := declared.GetAggregate(); aggregate != nil {
			found = aggregate.FailurePolicy
		}
		switch {
		case i < 6 && proto.Equal(found, want):
		case i == 6 && proto.Equal(found, &pb.FailurePolicy{}):
		case i == 7 && found == nil:
		default:
			t.Errorf("%s has %v", declared.Name, found)
		}
	}
}

func TestRunSaysWhatIsWrongWithAFailurePolicy(t *testing.T) {
	for name, c := range map[string]struct {
		build func(texts)
		said  string
	}{
		"less than none": {func(s texts) {
			MapValues(s, failing(nil), WithFailurePolicy(FailurePolicy{RetryMax: Ptr(-1)}))
		}, "RetryMax -1"},
		"a pause below 0": {func(s texts) {
			MapValues(s, failing(nil), WithFailurePolicy(FailurePolicy{RetryInitial: -1}))
		}, "-1ns"},
		"no code": {func(s texts) {
			Count(s.GroupByKey(), Named("counts"), WithFailurePolicy(FailurePolicy{}))
		}, `"counts" has no code of yours`},
	} {
		t.Run(name, func(t *testing.T) {
			app := New(Config{Address: "unix:/nowhere"})
			c.build(Stream(app, UTF8, UTF8, []string{"in"}))
			if err := app.Run(context.Background()); err == nil || !strings.Contains(err.Error(), c.said) {
				t.Fatal(err)
			}
		})
	}
}
