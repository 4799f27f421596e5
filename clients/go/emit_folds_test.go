package outrigger

import (
	"strings"
	"testing"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

func concat(one, two optionalText) (optionalText, error) { return Ptr(*one + *two), nil }

func TestDeclaresWhenFoldsOfTheApplicationAreForwarded(t *testing.T) {
	app := New(Config{})
	grouped := Stream(app, UTF8, optional, []string{"in"}).GroupByKey()
	Reduce(grouped.EmitStrategy(OnCommit), concat, Named("all"))
	for name, windows := range map[string]TimeWindows{
		"tumbling": TumblingWindows{Size: time.Minute},
		"hopping":  HoppingWindows{Size: time.Minute, Advance: time.Second},
		"sliding":  SlidingWindows{TimeDifference: time.Minute},
	} {
		ReduceWindows(grouped.WindowedBy(windows).EmitStrategy(OnWindowClose), concat, Named(name))
	}
	sessions := grouped.WindowedBySessions(Sessions(time.Minute))
	ReduceSessions(sessions.EmitStrategy(OnWindowClose), concat, Named("session"))
	Reduce(grouped, concat, Named("each"))
	if err := app.topology.problem(); err != nil {
		t.Fatal(err)
	}
	const onClose = pb.EmitStrategy_EMIT_STRATEGY_ON_WINDOW_CLOSE
	for name, wanted := range map[string]pb.EmitStrategy{
		"all":      pb.EmitStrategy_EMIT_STRATEGY_ON_COMMIT,
		"tumbling": onClose, "hopping": onClose, "sliding": onClose, "session": onClose,
		"each": pb.EmitStrategy_EMIT_STRATEGY_UNSPECIFIED,
	} {
		aggregate := app.topology.declaredAs(name).GetAggregate()
		equal(t, aggregate.Aggregator, pb.Aggregator_AGGREGATOR_APPLICATION)
		equal(t, aggregate.Emit, wanted)
	}
}

// Its rows come from the sidecar even where the code above runs here.
func TestAFoldThatHoldsBackNeedsToKnowHowItsRecordsAreWritten(t *testing.T) {
	said := func(emit EmitStrategy, opts ...Option) error {
		app := New(Config{})
		mapped := MapValues(Stream(app, UTF8, optional, []string{"in"}),
			func(value optionalText) (optionalText, error) { return value, nil })
		windowed := mapped.GroupByKey(opts...).WindowedBy(TumblingWindows{Size: time.Minute})
		AggregateWindows(windowed.EmitStrategy(emit), func() string { return "" },
			func(_ string, _ optionalText, folded string) (string, error) { return folded, nil },
			UTF8, Named("fold"))
		return app.topology.problem()
	}
	for _, emit := range []EmitStrategy{OnWindowClose, OnCommit} {
		if err := said(emit); err == nil || !strings.Contains(err.Error(), `"fold" takes records`) {
			t.Error("it was not refused:", err)
		}
		if err := said(emit, WithSerdes(UTF8, optional)); err != nil {
			t.Error(err)
		}
	}
	if err := said(OnWindowUpdate); err != nil {
		t.Error(err)
	}
}
