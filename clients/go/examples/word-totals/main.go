// Command word-totals tells how often each word has come, in whatever partition: each goes to the task
// that counts it.
package main

import (
	"context"
	"log"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/outrigger-io/outrigger/clients/go"
)

var words = regexp.MustCompile("[a-z]+")

func wordsOf(sentence string) ([]string, error) {
	return words.FindAllString(strings.ToLower(sentence), -1), nil
}

func itself(r outrigger.Record[string, string]) (string, error) { return r.Value, nil }

func application() *outrigger.App {
	app := outrigger.New(outrigger.Config{})
	text := outrigger.WithDefaultSerdes(app, outrigger.UTF8, outrigger.UTF8)
	found := outrigger.FlatMapValues(text.Stream([]string{"sentences"}), wordsOf)
	totals := outrigger.Count(outrigger.GroupBy(found, itself), outrigger.StoredAs("word-totals"))
	totals.To("word-totals", outrigger.UTF8, outrigger.Int64)
	return app
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := application().Run(ctx); err != nil {
		log.Fatal(err)
	}
}
