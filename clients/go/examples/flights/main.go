// Command flights counts departures and averages their delay, by airport and day: the application of
// the demo.
package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/outrigger-io/outrigger/clients/go"
)

type flight struct {
	Delay float64 `json:"delay"`
}

type total struct {
	Count    int64   `json:"count"`
	DelaySum float64 `json:"delaySum"`
}

type departures struct {
	Count        int64   `json:"count"`
	AverageDelay float64 `json:"averageDelay"`
}

func add(_ string, f flight, t total) (total, error) {
	return total{t.Count + 1, t.DelaySum + f.Delay}, nil
}

func byDay(
	r outrigger.Record[outrigger.Windowed[string], total],
) (string, departures, error) {
	day := time.UnixMilli(r.Key.Window.Start).UTC().Format(time.DateOnly)
	t := r.Value
	return r.Key.Key + " " + day, departures{t.Count, t.DelaySum / float64(t.Count)}, nil
}

func main() {
	app := outrigger.New(outrigger.Config{})
	flights := outrigger.Stream(
		app, outrigger.UTF8, outrigger.JSON[flight](), []string{"flights"})
	totals := outrigger.AggregateWindows(
		flights.GroupByKey().WindowedBy(outrigger.Tumbling(24*time.Hour)),
		func() total { return total{} }, add, outrigger.JSON[total](),
		outrigger.StoredAs("departures-by-day"))
	outrigger.Map(totals, byDay).
		To("departures", outrigger.UTF8, outrigger.JSON[departures]())

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := app.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
