package outriggertest_test

import (
	"fmt"
	"testing"
	"time"

	outrigger "github.com/outrigger-io/outrigger/clients/go"
	"github.com/outrigger-io/outrigger/clients/go/outriggertest"
)

type counts = outrigger.KStream[outrigger.Windowed[string], int64]

func TestACountIsForwardedOnceWhenItsWindowCloses(t *testing.T) {
	minute := outrigger.Tumbling(time.Minute)
	for name, held := range map[string]func(outrigger.KGroupedStream[string, string]) counts{
		"suppressed": func(grouped outrigger.KGroupedStream[string, string]) counts {
			counted := outrigger.CountWindows(grouped.WindowedBy(minute))
			return counted.Suppress(outrigger.UntilWindowCloses(outrigger.BufferConfig{}))
		},
		"on window close": func(grouped outrigger.KGroupedStream[string, string]) counts {
			windows := grouped.WindowedBy(minute).EmitStrategy(outrigger.OnWindowClose)
			return outrigger.CountWindows(windows)
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := outrigger.New(outrigger.Config{})
			in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
			windowed := outrigger.TimeWindowed(outrigger.UTF8, time.Minute)
			held(in.GroupByKey()).To("out", windowed, outrigger.Int64)
			d := outriggertest.New(t, app)
			told := func() []string {
				found := []string{}
				for _, r := range outriggertest.Output(d, "out", windowed, outrigger.Int64).Read() {
					found = append(found, fmt.Sprint(r.Key.Key, " ", r.Key.Window.Start, " ", r.Value))
				}
				return found
			}
			input(d).Pipe(at("k", 1, "x"), at("k", 2, "x"), at("k", minuteMs-1, "x"))
			same(t, told(), []string{})
			input(d).Pipe(at("j", minuteMs, "x"))
			same(t, told(), []string{"k 0 3"})
			d.AdvanceStreamTime(2 * minuteMs)
			same(t, told(), []string{"j 60000 1"})
		})
	}
}

func TestAKeyWaitsForItsTimeAndAFullBufferLetsTheEldestGo(t *testing.T) {
	app := outrigger.New(outrigger.Config{})
	in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
	buffer := outrigger.BufferConfig{MaxRecords: 2, EmitEarly: true}
	outrigger.Count(in.GroupByKey()).Suppress(outrigger.UntilTimeLimit(10*time.Second, buffer)).
		To("out", outrigger.UTF8, outrigger.Int64)
	d := outriggertest.New(t, app)
	counts := func() []string {
		found := []string{}
		for _, r := range outriggertest.Output(d, "out", outrigger.UTF8, outrigger.Int64).Read() {
			found = append(found, fmt.Sprint(r.Key, " ", r.Value))
		}
		return found
	}
	input(d).Pipe(at("a", 1, "x"), at("a", 10_000, "x"))
	same(t, counts(), []string{})
	d.AdvanceStreamTime(10_001)
	same(t, counts(), []string{"a 2"})
	input(d).Pipe(at("b", 11_000, "x"), at("c", 11_001, "x"), at("d", 11_002, "x"))
	same(t, counts(), []string{"b 1"})
}
