package outriggertest_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	outrigger "github.com/outrigger-io/outrigger/clients/go"
	"github.com/outrigger-io/outrigger/clients/go/outriggertest"
)

type text = outriggertest.Record[string, string]

var seen = outrigger.NewKeyValueStore("seen", outrigger.UTF8, outrigger.UTF8)

const minuteMs = 60_000

// storing writes the store, forwards, and fails where it is told to; runs is what came to it.
func storing(fails func(value string, run int) bool) (app *outrigger.App, runs *[]string) {
	app, runs = outrigger.New(outrigger.Config{}), &[]string{}
	in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
	handle := func(
		ctx *outrigger.Context[string, string], r outrigger.Record[string, string],
	) error {
		*runs = append(*runs, r.Value)
		if err := seen.Put(ctx, r.Key, r.Value); err != nil {
			return err
		}
		ctx.Forward(r.Key, r.Value+"!")
		if fails(r.Value, len(*runs)) {
			return errors.New("no " + r.Value)
		}
		return nil
	}
	outrigger.Process(in, handle, outrigger.WithStores(seen)).
		To("out", outrigger.UTF8, outrigger.UTF8)
	return app, runs
}

func never(string, int) bool { return false }

func input(d *outriggertest.Driver) outriggertest.InputTopic[string, string] {
	return outriggertest.Input(d, "in", outrigger.UTF8, outrigger.UTF8)
}

func values(d *outriggertest.Driver, topic string) []string {
	found := []string{}
	for _, record := range outriggertest.Output(d, topic, outrigger.UTF8, outrigger.UTF8).Read() {
		found = append(found, record.Value)
	}
	return found
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestWindowsAreCountedAndALateRecordIsDropped(t *testing.T) {
	app := outrigger.New(outrigger.Config{ApplicationID: "counting"})
	flights := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"flights"})
	windows := flights.GroupByKey().WindowedBy(outrigger.Tumbling(time.Minute))
	counted := outrigger.CountWindows(windows, outrigger.StoredAs("counts"))
	bare := func(r outrigger.Record[outrigger.Windowed[string], int64]) (string, int64, error) {
		return r.Key.Key, r.Value, nil
	}
	outrigger.Map(counted, bare).To("departures", outrigger.UTF8, outrigger.Int64)
	d := outriggertest.New(t, app)
	in := outriggertest.Input(d, "flights", outrigger.UTF8, outrigger.UTF8)
	for _, at := range []int64{1_000, 2_000, minuteMs, 3_000} {
		same(t, in.Pipe(text{Key: "BER", Value: "LH1", Timestamp: at}),
			outriggertest.Settled{Committed: true})
	}
	var got []int64
	for _, record := range outriggertest.Output(d, "departures", outrigger.UTF8, outrigger.Int64).Read() {
		got = append(got, record.Value, record.Timestamp)
	}
	same(t, got, []int64{1, 1_000, 2, 2_000, 1, minuteMs})
	counts := outriggertest.Store(d, "counts", outrigger.UTF8, outrigger.Int64)
	count, ok := counts.GetWindow("BER", 0)
	same(t, []any{count, ok}, []any{int64(2), true})
	_, ok = counts.GetWindow("BE", 0)
	same(t, ok, false)
	same(t, counts.Windows("BER"), []outriggertest.Entry[string, int64]{
		{Key: "BER", Value: 2}, {Key: "BER", WindowStart: minuteMs, Value: 1},
	})
}

func TestWindowsCloseWhenStreamTimeHasMoved(t *testing.T) {
	app := outrigger.New(outrigger.Config{})
	flights := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"flights"})
	windows := flights.GroupByKey().WindowedBy(outrigger.Tumbling(time.Minute))
	counted := outrigger.CountWindows(windows, outrigger.StoredAs("counts"))
	bare := func(r outrigger.Record[outrigger.Windowed[string], int64]) (string, int64, error) {
		return r.Key.Key, r.Value, nil
	}
	outrigger.Map(counted, bare).To("departures", outrigger.UTF8, outrigger.Int64)
	d := outriggertest.New(t, app)
	in := outriggertest.Input(d, "flights", outrigger.UTF8, outrigger.UTF8)
	in.Pipe(text{Key: "BER", Value: "LH1", Timestamp: 1_000})
	same(t, d.AdvanceStreamTime(minuteMs), outriggertest.Settled{Committed: true})
	in.Pipe(
		text{Key: "BER", Value: "LH2", Timestamp: minuteMs - 1},
		text{Key: "BER", Value: "LH3", Timestamp: minuteMs},
	)
	var got []int64
	for _, record := range outriggertest.Output(d, "departures", outrigger.UTF8, outrigger.Int64).Read() {
		got = append(got, record.Timestamp, record.Value)
	}
	same(t, got, []int64{1_000, 1, minuteMs, 1})
}

func TestAHandlerThatFailsHalfWayLeavesNothing(t *testing.T) {
	app, _ := storing(func(value string, _ int) bool { return value == "bad" })
	d := outriggertest.New(t, app, outriggertest.Options{
		Settings: map[string]string{"retry.max": "0"},
	})
	input(d).Pipe(text{Key: "a", Value: "good"})
	_, err := input(d).TryPipe(text{Key: "a", Value: "bad"})
	if err == nil || !strings.Contains(err.Error(), "task 0_0: record in-0@1") ||
		!strings.Contains(err.Error(), "no bad") {
		t.Fatalf("it says %v", err)
	}
	same(t, values(d, "out"), []string{"good!"})
	value, _ := outriggertest.Store(d, "seen", outrigger.UTF8, outrigger.UTF8).Get("a")
	same(t, value, "good")
}

func TestARecordIsTriedAgainWhenTheClockHasMoved(t *testing.T) {
	app, runs := storing(func(_ string, run int) bool { return run < 2 })
	d := outriggertest.New(t, app, outriggertest.Options{WallClock: time.UnixMilli(1_000)})
	settled := input(d).Pipe(text{Key: "a", Value: "x"})
	same(t, settled.Committed, false)
	if !strings.Contains(settled.Waiting, "no x") {
		t.Fatalf("it waits for %q", settled.Waiting)
	}
	d.AdvanceWallClock(99 * time.Millisecond)
	same(t, len(*runs), 1)
	same(t, values(d, "out"), []string{})
	same(t, d.AdvanceWallClock(time.Millisecond).Committed, true)
	same(t, values(d, "out"), []string{"x!"})
	same(t, d.WallClock().UnixMilli(), int64(1_100))
}

func TestOutputsAndStateComeOnce(t *testing.T) {
	for name, fault := range map[string]outriggertest.Fault{
		"a commit that fails": outriggertest.CommitFailed,
		"a redelivery":        outriggertest.Redeliver,
		"an unknown outcome":  outriggertest.UnknownOutcome,
	} {
		t.Run(name, func(t *testing.T) {
			app, runs := storing(never)
			d := outriggertest.New(t, app)
			d.Inject(fault)
			settled := input(d).Pipe(text{Key: "a", Value: "1"}, text{Key: "b", Value: "2"})
			same(t, settled.Committed, true)
			same(t, values(d, "out"), []string{"1!", "2!"})
			times := 1
			if fault == outriggertest.Redeliver {
				times = 2
			}
			same(t, len(*runs), 2*times)
			// The first was met: else another is refused.
			d.Inject(fault)
			same(t, outriggertest.Store(d, "seen", outrigger.UTF8, outrigger.UTF8).All(),
				[]outriggertest.Entry[string, string]{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}})
		})
	}
}

func TestADeadLetterIsARecordOfItsTopic(t *testing.T) {
	app, _ := storing(func(value string, _ int) bool { return value == "bad" })
	d := outriggertest.New(t, app, outriggertest.Options{Settings: map[string]string{
		"retry.max": "0", "errors.dead.letter.queue.topic.name": "letters",
	}})
	headers := []outrigger.Header{{Key: "trace", Value: []byte{1}}, {Key: "none"}}
	input(d).Pipe(text{Key: "a", Value: "bad", Timestamp: 7, Headers: headers})
	letters := outriggertest.Output(d, "letters", outrigger.UTF8, outrigger.UTF8).Read()
	same(t, len(letters), 1)
	same(t, []any{letters[0].Key, letters[0].Value, letters[0].Timestamp}, []any{"a", "bad", int64(7)})
	same(t, letters[0].Headers[:2], headers)
	same(t, values(d, "out"), []string{})
}

func TestATopologyThatCannotRunIsRefusedAtTheStart(t *testing.T) {
	app := outrigger.New(outrigger.Config{})
	for _, out := range []string{"out", "elsewhere"} {
		outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"}).
			To(out, outrigger.UTF8, outrigger.UTF8)
	}
	_, err := outriggertest.Start(t, app)
	var rejected *outrigger.RejectedError
	if !errors.As(err, &rejected) || rejected.Code != "TOPOLOGY_INVALID" {
		t.Fatalf("it says %v", err)
	}
}

func TestAHookRunsForWhatCommittedAndAgainWhereItsOwnCommitIsLost(t *testing.T) {
	app := outrigger.New(outrigger.Config{ApplicationID: "hooked"})
	ran := []string{}
	var d *outriggertest.Driver
	receipt := outrigger.AfterCommit(app, "receipt", outrigger.UTF8, outrigger.UTF8,
		func(_ context.Context, r outrigger.Record[string, string]) error {
			if ran = append(ran, r.Value); len(ran) == 1 {
				d.Inject(outriggertest.Redeliver)
			}
			return nil
		})
	in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
	skip := outrigger.FailurePolicy{RetryMax: outrigger.Ptr(0), Exhausted: outrigger.ExhaustedSkip}
	outrigger.Process(in, func(
		ctx *outrigger.Context[string, string], r outrigger.Record[string, string],
	) error {
		receipt.AfterCommit(ctx, r.Value)
		if r.Value == "bad" {
			return errors.New("refused")
		}
		return nil
	}, outrigger.WithFailurePolicy(skip))
	d = outriggertest.New(t, app)
	input(d).Pipe(text{Key: "k", Value: "bad"}, text{Key: "k", Value: "1"})
	same(t, ran, []string{"1", "1"})
}
