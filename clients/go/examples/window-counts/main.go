// Command window-counts tells how many events of each key there are in every 5 minutes.
package main

import (
	"context"
	"fmt"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/outrigger-io/outrigger/clients/go"
)

func byWindow(r outrigger.Record[outrigger.Windowed[string], int64]) (string, int64, error) {
	return fmt.Sprintf("%s@%d", r.Key.Key, r.Key.Window.Start), r.Value, nil
}

func application() *outrigger.App {
	app := outrigger.New(outrigger.Config{})
	events := outrigger.Stream(app, outrigger.UTF8, outrigger.Bytes, []string{"events"})
	windows := events.GroupByKey().WindowedBy(outrigger.Tumbling(5 * time.Minute))
	counts := outrigger.CountWindows(windows, outrigger.StoredAs("counts"))
	outrigger.Map(counts, byWindow).To("event-counts", outrigger.UTF8, outrigger.Int64)
	return app
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := application().Run(ctx); err != nil {
		log.Fatal(err)
	}
}
