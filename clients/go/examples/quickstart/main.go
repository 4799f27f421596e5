// Command quickstart writes every greeting in upper case.
package main

import (
	"context"
	"log"
	"os/signal"
	"strings"
	"syscall"

	"github.com/outrigger-io/outrigger/clients/go"
)

func main() {
	app := outrigger.New(outrigger.Config{})
	greetings := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"greetings"})
	shouted := outrigger.MapValues(greetings, func(greeting string) (string, error) {
		return strings.ToUpper(greeting), nil
	})
	shouted.To("shouted-greetings", outrigger.UTF8, outrigger.UTF8)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := app.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
