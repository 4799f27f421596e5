package main

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/outrigger-io/outrigger/clients/go"
	"github.com/outrigger-io/outrigger/clients/go/outriggertest"
)

type record = outriggertest.Record[string, string]

const minuteMs = 60_000

func TestCountsOverAllSentences(t *testing.T) {
	d := outriggertest.New(t, application())
	outriggertest.Input(d, "sentences", outrigger.UTF8, outrigger.UTF8).Pipe(
		record{Key: "a", Value: "One, two", Timestamp: minuteMs},
		record{Key: "b", Value: "two THREE", Timestamp: 2 * minuteMs},
		record{Key: "c", Value: "", Timestamp: 3 * minuteMs},
	)
	var got []string
	read := outriggertest.Output(d, "word-totals", outrigger.UTF8, outrigger.Nullable(outrigger.Int64))
	for _, r := range read.Read() {
		count := "nil"
		if r.Value != nil {
			count = fmt.Sprint(*r.Value)
		}
		got = append(got, fmt.Sprintf("%s=%s %d", r.Key, count, r.Timestamp))
	}
	want := []string{
		"one=1 60000", "two=1 60000", "two=2 120000", "three=1 120000",
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}
