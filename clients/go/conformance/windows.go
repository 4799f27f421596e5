package main

import (
	"strconv"
	"time"

	"github.com/outrigger-io/outrigger/clients/go"
)

// unwindow writes windowed results under a text for the key and the window.
func unwindow[V any](
	s outrigger.KStream[outrigger.Windowed[*string], V], shown func(value V) *string,
) {
	outrigger.Map(s,
		func(r outrigger.Record[outrigger.Windowed[*string], V]) (string, *string, error) {
			return unwindowed(r.Key), shown(r.Value), nil
		}, named("unwindow")).
		To("results", outrigger.UTF8, text, named("results"))
}

func hopping(app *outrigger.App) { hoppingFold(app, outrigger.EmitStrategy{}) }

func closingFold(app *outrigger.App) { hoppingFold(app, outrigger.OnWindowClose) }

func hoppingFold(app *outrigger.App, emit outrigger.EmitStrategy) {
	windows := outrigger.HoppingWindows{
		Size: time.Minute, Advance: 20 * time.Second, Grace: 10 * time.Second,
	}
	folds := outrigger.AggregateWindows(
		commands(app).GroupByKey().WindowedBy(windows).EmitStrategy(emit), empty,
		appendValue, outrigger.UTF8, outrigger.StoredAs("folds"), named("fold"))
	unwindow(folds, outrigger.Ptr[string])
}

func sliding(app *outrigger.App) {
	grouped := lengths[int32](app).GroupByKey(
		outrigger.WithSerdes(text, outrigger.Nullable(outrigger.Int32)))
	windows := outrigger.SlidingWindows{TimeDifference: time.Minute, Grace: 5 * time.Second}
	maxima := outrigger.MaxWindows[int32](grouped.WindowedBy(windows),
		outrigger.StoredAs("maxima"), named("max"))
	unwindow(maxima, func(value int32) *string {
		return outrigger.Ptr(strconv.FormatInt(int64(value), 10))
	})
}

func slidingFold(app *outrigger.App) {
	windows := outrigger.SlidingWindows{TimeDifference: time.Minute, Grace: 5 * time.Second}
	folds := outrigger.AggregateWindows(commands(app).GroupByKey().WindowedBy(windows), empty,
		appendValue, outrigger.UTF8, outrigger.StoredAs("folds"), named("fold"))
	unwindow(folds, outrigger.Ptr[string])
}

func session(app *outrigger.App) {
	windows := outrigger.SessionWindows{InactivityGap: time.Minute, Grace: 10 * time.Second}
	initializer := func() *string { return outrigger.Ptr("(") }
	aggregator := func(key, value, folded *string) (*string, error) {
		if value != nil && *value == "end" {
			return nil, nil
		}
		next, err := appendValue(key, value, *folded)
		return &next, err
	}
	merger := func(_, one, two *string) (*string, error) {
		return outrigger.Ptr(*one + *two + ")"), nil
	}
	folds := outrigger.AggregateSessions(commands(app).GroupByKey().WindowedBySessions(windows),
		initializer, aggregator, merger, text, outrigger.StoredAs("folds"), named("fold"))
	unwindow(folds, func(value *string) *string { return value })
}

func sessionCount(app *outrigger.App) {
	windows := outrigger.Sessions(time.Minute)
	counts := outrigger.CountSessions(commands(app).GroupByKey().WindowedBySessions(windows),
		outrigger.StoredAs("counts"), named("count"))
	unwindow(counts, func(value *int64) *string {
		if value == nil {
			return nil
		}
		return outrigger.Ptr(strconv.FormatInt(*value, 10))
	})
}
