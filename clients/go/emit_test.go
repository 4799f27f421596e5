package outrigger

import (
	"testing"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

func grouped(app *App) KGroupedStream[string, string] {
	return Stream(app, UTF8, UTF8, []string{"in"}).GroupByKey()
}

func suppressOf(t *testing.T, suppressed Suppressed) *pb.Suppress {
	t.Helper()
	app := New(Config{})
	Count(grouped(app), Named("counted")).Suppress(suppressed, Named("held")).To("out", UTF8, Int64)
	held := app.topology.declaredAs("held")
	equal(t, held.Parents, []string{"counted"})
	return held.GetSuppress()
}

func TestSuppressIsDeclaredWithItsTimeAndItsBuffer(t *testing.T) {
	closes := suppressOf(t, UntilWindowCloses(BufferConfig{MaxBytes: 1_000}))
	equal(t, closes.UntilWindowCloses != nil && closes.UntilTimeLimit == nil, true)
	equal(t, []any{closes.Buffer.MaxRecords, closes.Buffer.MaxBytes, closes.Buffer.WhenFull},
		[]any{int64(0), int64(1_000), pb.BufferFull_BUFFER_FULL_SHUT_DOWN})
	waits := suppressOf(t, UntilTimeLimit(90*time.Second, BufferConfig{MaxRecords: 7, EmitEarly: true}))
	equal(t, waits.UntilWindowCloses == nil, true)
	equal(t, waits.UntilTimeLimit.GetWaitMs(), int64(90_000))
	equal(t, []any{waits.Buffer.MaxRecords, waits.Buffer.MaxBytes, waits.Buffer.WhenFull},
		[]any{int64(7), int64(0), pb.BufferFull_BUFFER_FULL_EMIT_EARLY})
}

func TestATimeToWaitThatIsNoneIsSaidByRun(t *testing.T) {
	for _, wait := range []time.Duration{-time.Millisecond, 1500 * time.Microsecond} {
		app := New(Config{})
		Count(grouped(app)).Suppress(UntilTimeLimit(wait, BufferConfig{})).To("out", UTF8, Int64)
		saidByRun(t, app, `"suppress-03" has a time to wait of `+wait.String()+": give whole ms")
	}
}

func TestEmitStrategiesAreDeclaredOfTheAggregate(t *testing.T) {
	app := New(Config{})
	minute := Tumbling(time.Minute)
	Count(grouped(app), Named("none"))
	Count(grouped(app).EmitStrategy(OnCommit), Named("commit"))
	CountWindows(grouped(app).WindowedBy(minute).EmitStrategy(OnWindowClose), Named("close"))
	sessions := grouped(app).WindowedBySessions(Sessions(time.Minute))
	CountSessions(sessions.EmitStrategy(OnWindowUpdate), Named("update"))
	// What a grouping was told goes with it into windows.
	CountWindows(grouped(app).EmitStrategy(OnCommit).WindowedBy(minute), Named("windowed"))
	for name, wanted := range map[string]pb.EmitStrategy{
		"none":     pb.EmitStrategy_EMIT_STRATEGY_UNSPECIFIED,
		"commit":   pb.EmitStrategy_EMIT_STRATEGY_ON_COMMIT,
		"close":    pb.EmitStrategy_EMIT_STRATEGY_ON_WINDOW_CLOSE,
		"update":   pb.EmitStrategy_EMIT_STRATEGY_ON_WINDOW_UPDATE,
		"windowed": pb.EmitStrategy_EMIT_STRATEGY_ON_COMMIT,
	} {
		equal(t, app.topology.declaredAs(name).GetAggregate().Emit, wanted)
	}
}

func TestTimersAndPunctuatorsAreDeclaredOfTheirNode(t *testing.T) {
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"})
	handle := func(*Context[string, string], Record[string, string]) error { return nil }
	onTimer := func(*Context[string, string], FiredTimer[string]) error { return nil }
	tick := func(*Context[string, string], int64) error { return nil }
	Process(in, handle, Named("plain"))
	Process(in, handle, Named("timed"), OnTimer(onTimer))
	Process(in, handle, Named("ticking"), Punctuate("tick", 2*time.Second, WallClock, tick))
	keep := func(*FixedKeyContext[string], Record[string, string]) error { return nil }
	onKept := func(*FixedKeyContext[string], FiredTimer[string]) error { return nil }
	ProcessValues(in, keep, Named("kept"), OnTimerValues(onKept))
	for name, wanted := range map[string]bool{
		"plain": false, "timed": true, "ticking": false, "kept": true,
	} {
		equal(t, app.topology.declaredAs(name).GetFunction().Timers, wanted)
	}
	ticks := app.topology.declaredAs("ticking").GetFunction().Punctuators
	equal(t, len(ticks), 1)
	equal(t, []any{ticks[0].Name, ticks[0].Clock, ticks[0].IntervalMs},
		[]any{"tick", pb.TimerClock_TIMER_CLOCK_WALL_CLOCK_TIME, int64(2_000)})
}
