package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/outrigger-io/outrigger/clients/go"
)

type textContext = outrigger.Context[*string, *string]

var seen = outrigger.NewTimestampedKeyValueStore("seen", outrigger.UTF8, outrigger.UTF8).
	WithTTL(time.Minute)

func timestamped(app *outrigger.App) {
	results(outrigger.Process(commands(app), remember, named("remember"), outrigger.WithStores(seen)))
}

func remember(ctx *textContext, r record) error {
	value := ""
	if r.Value != nil {
		value = *r.Value
	}
	order, prefix, _ := strings.Cut(value, ":")
	if order == "prefix" || order == "reverse" {
		return listed(ctx, r, prefix, order == "reverse")
	}
	before, ok, err := seen.Get(ctx, *r.Key)
	if err != nil {
		return err
	}
	switch {
	case r.Value == nil:
		err = seen.Delete(ctx, *r.Key)
	case value == "fixed":
		err = seen.PutAt(ctx, *r.Key, value, 5)
	default:
		err = seen.Put(ctx, *r.Key, value)
	}
	found := "none"
	if ok {
		found = fmt.Sprintf("%s@%d", before.Value, before.Timestamp)
	}
	ctx.Forward(r.Key, &found)
	return err
}

func listed(ctx *textContext, r record, prefix string, reverse bool) error {
	var found []string
	for entry, err := range seen.Prefix(ctx, []byte(prefix), reverse) {
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s=%s@%d", entry.Key, entry.Value.Value, entry.Value.Timestamp)
		found = append(found, text)
	}
	ctx.Forward(r.Key, outrigger.Ptr(strings.Join(found, ",")))
	return nil
}

func chosen(app *outrigger.App) {
	choose := func(r record) (string, error) {
		if r.Value == nil {
			return "", nil
		}
		return *r.Value, nil
	}
	commands(app).ToChosen(choose, []string{"results", "others"}, text, text, named("choose"))
}
