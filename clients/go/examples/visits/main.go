// Command visits tells how many clicks each visit has: a visit ends where a user clicks nothing for half
// an hour.
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

// A visit that goes on has another window: what was told of the last one is taken back, as nil.
func byVisit(r outrigger.Record[outrigger.Windowed[string], *int64]) (string, *int64, error) {
	window := r.Key.Window
	return fmt.Sprintf("%s %d-%d", r.Key.Key, window.Start, window.End), r.Value, nil
}

func application() *outrigger.App {
	app := outrigger.New(outrigger.Config{})
	clicks := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"clicks"})
	sessions := clicks.GroupByKey().WindowedBySessions(outrigger.Sessions(30 * time.Minute))
	counts := outrigger.CountSessions(sessions, outrigger.StoredAs("clicks-by-visit"))
	outrigger.Map(counts, byVisit).To("visits", outrigger.UTF8, outrigger.Nullable(outrigger.Int64))
	return app
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := application().Run(ctx); err != nil {
		log.Fatal(err)
	}
}
