// Command enrich gives orders their customer's name, asked of a service. Other partitions go on
// meanwhile: each has a goroutine. The call happens at least once for each record: the service can tell
// a repeated one by its Idempotency-Key.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/outrigger-io/outrigger/clients/go"
)

type order struct {
	Customer string `json:"customer"`
	Cents    int64  `json:"cents"`
	Name     string `json:"name,omitempty"`
}

func enrich(ctx *outrigger.Context[string, order], o outrigger.Record[string, order]) error {
	url := fmt.Sprintf("%s/%s", os.Getenv("CUSTOMERS_URL"), o.Value.Customer)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Idempotency-Key", o.IdempotencyKey())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	// With an error the record fails, and is tried again by the sidecar's policy.
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the service answered %s", response.Status)
	}
	enriched := o.Value
	if err := json.NewDecoder(response.Body).Decode(&enriched); err != nil {
		return err
	}
	ctx.Forward(o.Key, enriched)
	return nil
}

func main() {
	app := outrigger.New(outrigger.Config{})
	json := outrigger.JSON[order]()
	orders := outrigger.Stream(app, outrigger.UTF8, json, []string{"orders"})
	outrigger.Process(orders, enrich).To("orders-enriched", outrigger.UTF8, json)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := app.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
