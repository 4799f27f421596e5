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

func TestALongerVisitTakesBackWhatItHasTakenIn(t *testing.T) {
	d := outriggertest.New(t, application())
	outriggertest.Input(d, "clicks", outrigger.UTF8, outrigger.UTF8).Pipe(
		record{Key: "ada", Value: "/", Timestamp: minuteMs},
		record{Key: "ada", Value: "/", Timestamp: 31 * minuteMs},
		record{Key: "ada", Value: "/", Timestamp: 62 * minuteMs},
	)
	var got []string
	read := outriggertest.Output(d, "visits", outrigger.UTF8, outrigger.Nullable(outrigger.Int64))
	for _, r := range read.Read() {
		count := "nil"
		if r.Value != nil {
			count = fmt.Sprint(*r.Value)
		}
		got = append(got, fmt.Sprintf("%s=%s %d", r.Key, count, r.Timestamp))
	}
	want := []string{
		"ada 60000-60000=1 60000",
		"ada 60000-60000=nil 60000",
		"ada 60000-1860000=2 1860000",
		"ada 3720000-3720000=1 3720000",
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}
