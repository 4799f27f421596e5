package outriggertest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	outrigger "github.com/outrigger-io/outrigger/clients/go"
	"github.com/outrigger-io/outrigger/clients/go/outriggertest"
)

var remembered = outrigger.NewTimestampedKeyValueStore("seen", outrigger.UTF8, outrigger.UTF8).
	WithTTL(10 * time.Second)

func remember(
	ctx *outrigger.Context[string, string], r outrigger.Record[string, string],
) error {
	found := ""
	switch r.Value {
	case "get":
		entry, ok, err := remembered.Get(ctx, r.Key)
		if err != nil {
			return err
		}
		found = fmt.Sprintf("%t %s@%d", ok, entry.Value, entry.Timestamp)
	case "prefix":
		for entry, err := range remembered.Prefix(ctx, []byte(r.Key), true) {
			if err != nil {
				return err
			}
			found += fmt.Sprintf("%s@%d ", entry.Key, entry.Value.Timestamp)
		}
	default:
		if err := remembered.Put(ctx, r.Key, r.Value); err != nil {
			return err
		}
	}
	ctx.Forward(r.Key, found)
	return nil
}

func TestAnEntryHasItsRecordsTimestampAndIsGoneByStreamTime(t *testing.T) {
	app := outrigger.New(outrigger.Config{})
	in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
	outrigger.Process(in, remember, outrigger.WithStores(remembered)).
		To("out", outrigger.UTF8, outrigger.UTF8)
	d := outriggertest.New(t, app)
	input(d).Pipe(
		text{Key: "a", Value: "1", Timestamp: 1_000},
		text{Key: "ab", Value: "2", Timestamp: 5_000},
		text{Key: "a", Value: "get", Timestamp: 5_000},
		text{Key: "a", Value: "prefix", Timestamp: 5_000},
	)
	same(t, values(d, "out")[2:], []string{"true 1@1000", "ab@5000 a@1000 "})
	store := outriggertest.Store(d, "seen", outrigger.UTF8, outrigger.UTF8)
	timestamp, ok := store.Timestamp("a")
	same(t, []any{timestamp, ok}, []any{int64(1_000), true})
	d.AdvanceStreamTime(11_000)
	_, ok = store.Timestamp("a")
	same(t, ok, false)
	input(d).Pipe(text{Key: "a", Value: "prefix", Timestamp: 11_000})
	same(t, values(d, "out"), []string{"ab@5000 "})
}

func TestARecordGoesToTheTopicThatIsChosen(t *testing.T) {
	app := outrigger.New(outrigger.Config{})
	in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
	choose := func(r outrigger.Record[string, string]) (string, error) { return r.Key, nil }
	policy := outrigger.FailurePolicy{
		RetryMax: outrigger.Ptr(0), Exhausted: outrigger.ExhaustedSkip,
	}
	in.ToChosen(choose, []string{"left", "right"}, outrigger.UTF8, outrigger.UTF8,
		outrigger.WithFailurePolicy(policy))
	d := outriggertest.New(t, app)
	for i, key := range strings.Fields("left right elsewhere left") {
		input(d).Pipe(text{Key: key, Value: fmt.Sprint(i)})
	}
	same(t, values(d, "left"), []string{"0", "3"})
	same(t, values(d, "right"), []string{"1"})
}
