package outriggertest_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	outrigger "github.com/outrigger-io/outrigger/clients/go"
	"github.com/outrigger-io/outrigger/clients/go/outriggertest"
)

var last = outrigger.NewKeyValueStore("last", outrigger.UTF8, outrigger.UTF8)

const startMs = 1_000_000

type timerSetter interface {
	SetTimer(name string, time int64, clock outrigger.TimerClock)
	DeleteTimer(name string, clock outrigger.TimerClock)
}

// obey does what a value says: `set NAME TIME [wall]`, `delete NAME [wall]`, `fail`; several by `;`.
func obey(ctx timerSetter, value string) error {
	for _, command := range strings.Split(value, ";") {
		words := strings.Fields(command)
		clock := outrigger.StreamTime
		if words[len(words)-1] == "wall" {
			clock = outrigger.WallClock
		}
		switch words[0] {
		case "set":
			at, err := strconv.ParseInt(words[2], 10, 64)
			if err != nil {
				return err
			}
			ctx.SetTimer(words[1], at, clock)
		case "delete":
			ctx.DeleteTimer(words[1], clock)
		case "fail":
			return errors.New("no")
		}
	}
	return nil
}

func setTimers(
	ctx *outrigger.Context[string, string], r outrigger.Record[string, string],
) error {
	if err := last.Put(ctx, r.Key, r.Value); err != nil {
		return err
	}
	return obey(ctx, r.Value)
}

func onTimer(
	ctx *outrigger.Context[string, string], timer outrigger.FiredTimer[string],
) error {
	switch timer.Name {
	case "poison":
		return errors.New("no timer")
	case "rival":
		ctx.DeleteTimer("victim", outrigger.StreamTime)
	case "again":
		ctx.SetTimer("again", timer.Time+minuteMs, outrigger.StreamTime)
	}
	if !strings.HasPrefix(timer.IdempotencyKey, "timed/timed-wait-timers-0@") {
		return errors.New("its token is " + timer.IdempotencyKey)
	}
	value, _, err := last.Get(ctx, timer.Key)
	if err != nil {
		return err
	}
	clock := map[outrigger.TimerClock]string{
		outrigger.StreamTime: "stream", outrigger.WallClock: "wall",
	}[timer.Clock]
	ctx.Forward(timer.Key, fmt.Sprintf("%s %d %s %s", timer.Name, timer.Time, clock, value))
	return nil
}

func timed(t *testing.T, options ...outriggertest.Options) *outriggertest.Driver {
	t.Helper()
	app := outrigger.New(outrigger.Config{ApplicationID: "timed"})
	in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
	policy := outrigger.FailurePolicy{
		RetryMax: outrigger.Ptr(0), Exhausted: outrigger.ExhaustedDeadLetter,
	}
	outrigger.Process(in, setTimers, outrigger.Named("wait"), outrigger.WithStores(last),
		outrigger.WithFailurePolicy(policy), outrigger.OnTimer(onTimer)).
		To("out", outrigger.UTF8, outrigger.UTF8)
	return outriggertest.New(t, app, options...)
}

func at(key string, timestamp int64, value string) text {
	return text{Key: key, Value: value, Timestamp: timestamp}
}

// told are the outputs as `key@timestamp: value`.
func told(d *outriggertest.Driver) []string {
	found := []string{}
	for _, r := range outriggertest.Output(d, "out", outrigger.UTF8, outrigger.UTF8).Read() {
		found = append(found, fmt.Sprintf("%s@%d: %s", r.Key, r.Timestamp, r.Value))
	}
	return found
}

// names are the first words of the outputs' values.
func names(d *outriggertest.Driver) []string {
	found := []string{}
	for _, value := range values(d, "out") {
		found = append(found, strings.Fields(value)[0])
	}
	return found
}

func TestATimerFiresOnceWhenStreamTimeHasReachedIt(t *testing.T) {
	d := timed(t)
	input(d).Pipe(at("k", 10, "set a 50"), at("k", 49, "x"))
	same(t, told(d), []string{})
	input(d).Pipe(at("j", 50, "y"))
	same(t, told(d), []string{"k@50: a 50 stream x"})
	d.AdvanceStreamTime(1_000)
	same(t, told(d), []string{})
}

func TestSettingItAgainMovesItAndDeletingCancelsIt(t *testing.T) {
	d := timed(t)
	input(d).Pipe(at("k", 1, "set a 50;set b 60"), at("k", 2, "set a 90;delete b"))
	d.AdvanceStreamTime(89)
	same(t, told(d), []string{})
	d.AdvanceStreamTime(95)
	same(t, told(d), []string{"k@90: a 90 stream set a 90;delete b"})
}

func TestTheWallClockFiresItAndLeavesStreamTimeWhereItWas(t *testing.T) {
	d := timed(t, outriggertest.Options{WallClock: time.UnixMilli(startMs)})
	due := startMs + minuteMs
	value := fmt.Sprintf("set w %d wall;set v %d wall;delete v wall;set s 500", due, due)
	input(d).Pipe(at("k", 1, value))
	d.AdvanceWallClock(time.Minute - time.Millisecond)
	same(t, told(d), []string{})
	d.AdvanceWallClock(time.Millisecond)
	same(t, told(d), []string{fmt.Sprintf("k@%d: w %d wall %s", due, due, value)})
	d.AdvanceStreamTime(500)
	same(t, names(d), []string{"s"})
}

func TestAHandlerCancelsWhatIsDueBesideItAndSetsAnew(t *testing.T) {
	d := timed(t)
	input(d).Pipe(at("k", 1, "set rival 10;set victim 11;set again 12"))
	d.AdvanceStreamTime(20)
	same(t, names(d), []string{"rival", "again"})
	d.AdvanceStreamTime(12 + minuteMs)
	same(t, names(d), []string{"again"})
}

func TestARecordThatFailsSetsNothingAndATimerThatFailsHasADeadLetter(t *testing.T) {
	settings := map[string]string{"errors.dead.letter.queue.topic.name": "dead"}
	d := timed(t, outriggertest.Options{Settings: settings})
	input(d).Pipe(at("k", 1, "set a 5;fail"), at("k", 2, "set poison 5;set b 6"))
	d.AdvanceStreamTime(10)
	same(t, names(d), []string{"b"})
	keys := []string{}
	for _, letter := range outriggertest.Output(d, "dead", outrigger.UTF8, outrigger.Bytes).Read() {
		keys = append(keys, letter.Key)
	}
	same(t, keys, []string{"k", "k"})
}

func TestFaultsOfTheCommitNeitherLoseATimerNorDoubleIt(t *testing.T) {
	for name, fault := range map[string]outriggertest.Fault{
		"commit failed":   outriggertest.CommitFailed,
		"redeliver":       outriggertest.Redeliver,
		"unknown outcome": outriggertest.UnknownOutcome,
	} {
		t.Run(name, func(t *testing.T) {
			d := timed(t)
			d.Inject(fault)
			input(d).Pipe(at("k", 1, "set a 50;set b 60"))
			d.Inject(fault)
			d.AdvanceStreamTime(70)
			same(t, names(d), []string{"a", "b"})
		})
	}
}

func TestPunctuatorsAreCalledAsKafkaStreamsCallsThem(t *testing.T) {
	calls := []string{}
	app := outrigger.New(outrigger.Config{ApplicationID: "punctuated"})
	in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
	ignore := func(*outrigger.Context[string, string], outrigger.Record[string, string]) error {
		return nil
	}
	stream := func(ctx *outrigger.Context[string, string], timestamp int64) error {
		calls = append(calls, fmt.Sprint("stream ", timestamp))
		ctx.Forward("r", "beat")
		return nil
	}
	wall := func(_ *outrigger.Context[string, string], timestamp int64) error {
		calls = append(calls, fmt.Sprint("wall ", timestamp-startMs))
		return nil
	}
	outrigger.Process(in, ignore, outrigger.Named("tick"),
		outrigger.Punctuate("stream", 100*time.Millisecond, outrigger.StreamTime, stream),
		outrigger.Punctuate("wall", time.Minute, outrigger.WallClock, wall)).
		To("out", outrigger.UTF8, outrigger.UTF8)
	d := outriggertest.New(t, app, outriggertest.Options{WallClock: time.UnixMilli(startMs)})
	since := func() []string {
		said := calls
		calls = []string{}
		return said
	}
	// What was missed is one call.
	for _, each := range []struct {
		timestamp int64
		wanted    []string
	}{
		{150, []string{"stream 150"}},
		{199, []string{}},
		{200, []string{"stream 200"}},
		{601, []string{"stream 601"}},
	} {
		input(d).Pipe(at("k", each.timestamp, "x"))
		same(t, since(), each.wanted)
	}
	d.AdvanceWallClock(time.Minute)
	same(t, since(), []string{"wall 60000"})
	d.AdvanceWallClock(time.Minute - time.Millisecond)
	same(t, since(), []string{})
	same(t, values(d, "out"), []string{"beat", "beat", "beat"})
}

func TestProcessValuesHasTimersAndWhatTheyForwardKeepsTheKey(t *testing.T) {
	app := outrigger.New(outrigger.Config{ApplicationID: "values"})
	in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
	remind := func(ctx *outrigger.FixedKeyContext[string], r outrigger.Record[string, string]) error {
		return obey(ctx, r.Value)
	}
	reminded := func(ctx *outrigger.FixedKeyContext[string], timer outrigger.FiredTimer[string]) error {
		ctx.Forward(fmt.Sprint(timer.Name, " ", timer.Time))
		return nil
	}
	outrigger.ProcessValues(in, remind, outrigger.OnTimerValues(reminded)).
		To("out", outrigger.UTF8, outrigger.UTF8)
	d := outriggertest.New(t, app)
	input(d).Pipe(at("k", 1, "set a 50;set b 60"), at("j", 2, "set a 50;delete a"))
	d.AdvanceStreamTime(55)
	same(t, told(d), []string{"k@50: a 50"})
	input(d).Pipe(at("k", 56, "delete b"))
	d.AdvanceStreamTime(100)
	same(t, told(d), []string{})
}

func TestWhatCannotBeSetFailsItsRecordAndSaysWhy(t *testing.T) {
	for command, wanted := range map[string]string{
		"set a -1":                               "cannot be set to -1",
		"set " + strings.Repeat("b", 256) + " 1": "256 bytes: it may have 255",
	} {
		app := outrigger.New(outrigger.Config{})
		in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
		outrigger.Process(in, func(
			ctx *outrigger.Context[string, string], r outrigger.Record[string, string],
		) error {
			return obey(ctx, r.Value)
		}, outrigger.OnTimer(onTimer), outrigger.WithFailurePolicy(outrigger.FailurePolicy{
			RetryMax: outrigger.Ptr(0), Exhausted: outrigger.ExhaustedDeadLetter,
		}))
		settings := map[string]string{"errors.dead.letter.queue.topic.name": "dead"}
		d := outriggertest.New(t, app, outriggertest.Options{Settings: settings})
		input(d).Pipe(at("k", 1, command))
		letters := outriggertest.Output(d, "dead", outrigger.UTF8, outrigger.UTF8).Read()
		same(t, len(letters), 1)
		if told := fmt.Sprintf("%s", letters[0].Headers); !strings.Contains(told, wanted) {
			t.Fatalf("the letter of %q says %s", command, told)
		}
	}
}
