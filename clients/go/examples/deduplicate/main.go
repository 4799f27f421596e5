// Command deduplicate lets payments that were sent more than once through once: it remembers the ids
// that it has seen.
package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"

	"github.com/outrigger-io/outrigger/clients/go"
)

type payment struct {
	ID    string `json:"id"`
	Cents int64  `json:"cents"`
}

var seen = outrigger.NewKeyValueStore("seen-payments", outrigger.UTF8, outrigger.Int64)

func deduplicate(
	ctx *outrigger.Context[string, payment], p outrigger.Record[string, payment],
) error {
	_, isKnown, err := seen.Get(ctx, p.Value.ID)
	if err != nil || isKnown {
		return err
	}
	ctx.Forward(p.Key, p.Value)
	return seen.Put(ctx, p.Value.ID, p.Timestamp)
}

func main() {
	app := outrigger.New(outrigger.Config{})
	json := outrigger.JSON[payment]()
	payments := outrigger.Stream(app, outrigger.UTF8, json, []string{"payments"})
	outrigger.Process(payments, deduplicate, outrigger.WithStores(seen)).
		To("payments-once", outrigger.UTF8, json)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := app.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
