// Command word-count tells how often each word has come: a count for each word of each line, as soon as
// it comes.
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

var (
	words  = regexp.MustCompile("[a-z]+")
	counts = outrigger.NewKeyValueStore("word-counts", outrigger.UTF8, outrigger.Int64)
)

func countWords(ctx *outrigger.Context[string, int64], line outrigger.Record[[]byte, string]) error {
	for _, word := range words.FindAllString(strings.ToLower(line.Value), -1) {
		count, _, err := counts.Get(ctx, word)
		if err != nil {
			return err
		}
		if err := counts.Put(ctx, word, count+1); err != nil {
			return err
		}
		ctx.Forward(word, count+1)
	}
	return nil
}

func main() {
	app := outrigger.New(outrigger.Config{})
	lines := outrigger.Stream(app, outrigger.Bytes, outrigger.UTF8, []string{"lines"})
	outrigger.Process(lines, countWords, outrigger.WithStores(counts)).
		To("word-counts", outrigger.UTF8, outrigger.Int64)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := app.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
