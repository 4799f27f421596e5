package main

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/outrigger-io/outrigger/clients/go"
)

type (
	record = outrigger.Record[*string, *string]
	pair   = outrigger.KeyValue[*string, *string]
	stream = outrigger.KStream[*string, *string]
)

var (
	errTold       = errors.New("told to fail")
	nullableInt64 = outrigger.Nullable(outrigger.Int64)
	texts         = outrigger.WithSerdes(text, text)
)

// changed is a text made of another; of none there is none.
func changed(change func(value string) string) func(value *string) (*string, error) {
	return func(value *string) (*string, error) {
		if value == nil {
			return nil, nil
		}
		return outrigger.Ptr(change(*value)), nil
	}
}

// marked is a text with a mark behind it; of none it is the mark alone.
func marked(value *string) (*string, error) {
	marked, err := appendValue(nil, value, "")
	return outrigger.Ptr(marked + "!"), err
}

// told is a text as it is, or an error where that is what it says.
func told(value *string) error {
	if value != nil && *value == "fail" {
		return errTold
	}
	return nil
}

func begins(prefix string) func(r record) (bool, error) {
	return func(r record) (bool, error) {
		return r.Value != nil && strings.HasPrefix(*r.Value, prefix), nil
	}
}

func operations(app *outrigger.App) {
	kept := commands(app).FilterNot(func(r record) (bool, error) {
		return r.Value == nil || strings.HasPrefix(*r.Value, "drop"), nil
	}, named("drop"))
	seen := kept.Peek(func(r record) error { return told(r.Value) }, named("seen"))
	rekeyed := outrigger.SelectKey(seen, func(r record) (*string, error) {
		first, _, _ := strings.Cut(*r.Value, ":")
		return &first, nil
	}, named("rekey"))
	words := outrigger.FlatMapValues(rekeyed, func(value *string) ([]*string, error) {
		var words []*string
		for word := range strings.SplitSeq(*value, " ") {
			words = append(words, &word)
		}
		return words, nil
	}, named("words"))
	twice := outrigger.FlatMap(words, func(r record) ([]pair, error) {
		return []pair{{Key: r.Key, Value: r.Value}, {Key: r.Value, Value: r.Key}}, nil
	}, named("twice"))
	stamped := outrigger.ProcessValues(twice,
		func(ctx *outrigger.FixedKeyContext[*string], r record) error {
			ctx.Forward(outrigger.Ptr(strings.ToUpper(*r.Value)))
			ctx.Forward(r.Value, outrigger.WithTimestamp(r.Timestamp+1))
			return nil
		}, named("stamp"))
	results(stamped)
}

func branches(app *outrigger.App) {
	route := commands(app).Split(named("route"))
	long := route.Branch(func(r record) (bool, error) {
		return r.Value != nil && utf8.RuneCountInString(*r.Value) > 3, nil
	}, named("long"))
	a := route.Branch(begins("a"), named("a"))
	rest := route.DefaultBranch(named("rest"))
	mark := outrigger.MapValues(a, marked, named("mark"))
	b := rest.Split(named("last")).Branch(begins("b"), named("b"))
	results(long.Merge(mark).Merge(b))
}

func merge(app *outrigger.App) {
	first := commands(app)
	others := outrigger.Stream(app, text, text, []string{"others"}, named("others"))
	mark := outrigger.MapValues(first, marked, named("mark"))
	merged := first.Merge(mark).Merge(others)
	results(outrigger.MapValues(merged, changed(strings.ToUpper), named("upper")))
}

func swapped(r record) (*string, *string, error) { return r.Value, r.Key, nil }

func repartition(app *outrigger.App) {
	swap := outrigger.Map(commands(app), swapped, named("swap"))
	moved := swap.Repartition(named("by-value"), outrigger.WithPartitions(3), texts)
	results(outrigger.MapValues(moved, changed(strings.ToUpper), named("upper")))
}

func regroup(app *outrigger.App) {
	byValue := outrigger.GroupBy(commands(app),
		func(r record) (*string, error) { return r.Value, nil }, named("by-value"), texts)
	outrigger.Aggregate(byValue, empty, appendValue, outrigger.UTF8,
		outrigger.StoredAs("folds"), named("fold")).
		To("results", text, outrigger.UTF8, named("results"))
}

func reduce(app *outrigger.App) { reduced(app, outrigger.EmitStrategy{}) }

func committingFold(app *outrigger.App) { reduced(app, outrigger.OnCommit) }

func reduced(app *outrigger.App, emit outrigger.EmitStrategy) {
	reducer := func(aggregate, value *string) (*string, error) {
		if *value == "end" {
			return nil, nil
		}
		return outrigger.Ptr(*aggregate + *value), told(value)
	}
	results(outrigger.Reduce(commands(app).GroupByKey().EmitStrategy(emit), reducer,
		outrigger.StoredAs("folds"), named("fold")))
}

// lengths are the numbers of characters of the values.
func lengths[N int32 | int64](app *outrigger.App) outrigger.KStream[*string, *N] {
	return outrigger.MapValues(commands(app), func(value *string) (*N, error) {
		if value == nil {
			return nil, nil
		}
		return outrigger.Ptr(N(utf8.RuneCountInString(*value))), nil
	}, named("length"))
}

func sum(app *outrigger.App) {
	grouped := lengths[int64](app).GroupByKey(outrigger.WithSerdes(text, nullableInt64))
	sums := outrigger.Sum[int64](grouped, outrigger.StoredAs("sums"), named("sum"))
	outrigger.MapValues(sums, func(value int64) (string, error) {
		return strconv.FormatInt(value, 10), nil
	}, named("text")).
		To("results", text, outrigger.UTF8, named("results"))
}

func results(s stream) { s.To("results", text, text, named("results")) }
