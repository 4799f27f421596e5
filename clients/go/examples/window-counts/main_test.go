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

func TestCountsEachFiveMinutes(t *testing.T) {
	d := outriggertest.New(t, application())
	outriggertest.Input(d, "events", outrigger.UTF8, outrigger.UTF8).Pipe(
		record{Key: "a", Value: "x", Timestamp: 5 * minuteMs},
		record{Key: "a", Value: "y", Timestamp: 9 * minuteMs},
		record{Key: "b", Value: "z", Timestamp: 9 * minuteMs},
		record{Key: "a", Value: "x", Timestamp: 10 * minuteMs},
		// Late: its window ended as the record before it came.
		record{Key: "a", Value: "y", Timestamp: 9 * minuteMs},
	)
	var got []string
	read := outriggertest.Output(d, "event-counts", outrigger.UTF8, outrigger.Nullable(outrigger.Int64))
	for _, r := range read.Read() {
		count := "nil"
		if r.Value != nil {
			count = fmt.Sprint(*r.Value)
		}
		got = append(got, fmt.Sprintf("%s=%s %d", r.Key, count, r.Timestamp))
	}
	want := []string{
		"a@300000=1 300000", "a@300000=2 540000", "b@300000=1 540000", "a@600000=1 600000",
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}
