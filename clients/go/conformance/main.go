// Command conformance is the application that the conformance kit drives; docs/sdks.md says what each
// action does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/outrigger-io/outrigger/clients/go"
)

var (
	text  = outrigger.Nullable(outrigger.UTF8)
	state = outrigger.NewKeyValueStore("state", outrigger.UTF8, outrigger.UTF8)
	named = outrigger.Named
)

func main() {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	topologies := map[string]func(*outrigger.App){
		"":          process,
		"process":   process,
		"policy":    policy,
		"parking":   parking,
		"pattern":   pattern,
		"hook":      hook,
		"stateless": stateless,
		"aggregate": aggregate,
		"windowed":  windowed,
		"count":     count,

		"operations":  operations,
		"branches":    branches,
		"merge":       merge,
		"repartition": repartition,
		"regroup":     regroup,
		"reduce":      reduce,
		"sum":         sum,
		"timers":      timers,

		"hopping":       hopping,
		"sliding-fold":  slidingFold,
		"sliding":       sliding,
		"session":       session,
		"session-count": sessionCount,

		"timestamped": timestamped,
		"chosen":      chosen,
		"held-back":   heldBack,
		"emitted":     emitted,

		"closing-fold":    closingFold,
		"committing-fold": committingFold,
	}
	app := outrigger.New(outrigger.Config{})
	topologies[os.Getenv("OUTRIGGER_CONFORMANCE_TOPOLOGY")](app)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := app.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func commands(app *outrigger.App) outrigger.KStream[*string, *string] {
	return outrigger.Stream(app, text, text, []string{"commands"}, named("commands"))
}

func process(app *outrigger.App) { interpreted(app) }

func policy(app *outrigger.App) {
	interpreted(app, outrigger.WithFailurePolicy(outrigger.FailurePolicy{
		RetryMax:      outrigger.Ptr(2),
		RetryInitial:  250 * time.Millisecond,
		RetryFactor:   1.5,
		RetryMaxDelay: time.Minute,
		RetryJitter:   outrigger.Ptr(0.0),
		Exhausted:     outrigger.ExhaustedDeadLetter,
	}))
}

func parking(app *outrigger.App) {
	policy := outrigger.FailurePolicy{Exhausted: outrigger.ExhaustedPark}
	interpreted(app, outrigger.WithFailurePolicy(policy))
}

func pattern(app *outrigger.App) {
	topics := regexp.MustCompile("commands-[a-z]+")
	interpretedFrom(outrigger.StreamPattern(app, text, commandLists, topics, named("commands")))
}

var commandLists = outrigger.Nullable(outrigger.JSON[[]action]())

func hook(app *outrigger.App) {
	receipt := outrigger.AfterCommit(app, "receipt", text, text,
		func(_ context.Context, r outrigger.Record[*string, *string]) error {
			if r.Value == nil || !strings.HasPrefix(*r.Value, "fail") {
				return nil
			}
			return fmt.Errorf("%s %s %s", *r.Value, *r.Key, r.IdempotencyKey())
		}, outrigger.WithFailurePolicy(outrigger.FailurePolicy{
			RetryMax:  outrigger.Ptr(3),
			Exhausted: outrigger.ExhaustedDeadLetter,
		}))
	afterCommit = receipt.AfterCommit
	interpreted(app)
}

func interpreted(app *outrigger.App, opts ...outrigger.Option) {
	topics := []string{"commands"}
	interpretedFrom(outrigger.Stream(app, text, commandLists, topics, named("commands")), opts...)
}

func interpretedFrom(source outrigger.KStream[*string, *[]action], opts ...outrigger.Option) {
	opts = append(opts, outrigger.WithStores(state), named("interpret"))
	outrigger.Process(source, interpret, opts...).
		To("results", text, text, named("results"))
}

func stateless(app *outrigger.App) {
	kept := commands(app).Filter(func(r outrigger.Record[*string, *string]) (bool, error) {
		return r.Value != nil && !strings.HasPrefix(*r.Value, "drop"), nil
	}, named("keep"))
	upper := outrigger.MapValues(kept, func(value *string) (*string, error) {
		if value == nil {
			return nil, nil
		}
		upper := strings.ToUpper(*value)
		return &upper, nil
	}, named("upper"))
	swapped := outrigger.Map(upper,
		func(r outrigger.Record[*string, *string]) (*string, *string, error) {
			return r.Value, r.Key, nil
		}, named("swap"))
	swapped.To("results", text, text, named("results"))
}

func empty() string { return "" }

func appendValue(_, value *string, folded string) (string, error) {
	if value == nil {
		return folded, nil
	}
	if *value == "fail" {
		return "", errors.New("told to fail")
	}
	return folded + *value, nil
}

func aggregate(app *outrigger.App) {
	folds := outrigger.Aggregate(commands(app).GroupByKey(), empty, appendValue, outrigger.UTF8,
		outrigger.StoredAs("folds"), named("fold"))
	folds.To("results", text, outrigger.UTF8, named("results"))
}

func unwindowed(key outrigger.Windowed[*string]) string {
	name := ""
	if key.Key != nil {
		name = *key.Key
	}
	return fmt.Sprintf("%s@%d-%d", name, key.Window.Start, key.Window.End)
}

func minutes(app *outrigger.App) outrigger.TimeWindowedKStream[*string, *string] {
	return commands(app).GroupByKey().WindowedBy(outrigger.Tumbling(time.Minute))
}

func windowed(app *outrigger.App) {
	folds := outrigger.AggregateWindows(minutes(app), empty, appendValue, outrigger.UTF8,
		outrigger.StoredAs("folds"), named("fold"))
	outrigger.Map(folds,
		func(r outrigger.Record[outrigger.Windowed[*string], string]) (string, string, error) {
			return unwindowed(r.Key), r.Value, nil
		}, named("unwindow")).
		To("results", outrigger.UTF8, outrigger.UTF8, named("results"))
}

func heldBack(app *outrigger.App) {
	buffer := outrigger.BufferConfig{MaxRecords: 1_000, MaxBytes: 65_536, EmitEarly: true}
	until := outrigger.UntilTimeLimit(30*time.Second, buffer)
	counts := outrigger.CountWindows(minutes(app), outrigger.StoredAs("counts"), named("count"))
	counted(counts.Suppress(until, named("hold")))
}

func emitted(app *outrigger.App) {
	closing := minutes(app).EmitStrategy(outrigger.OnWindowClose)
	counted(outrigger.CountWindows(closing, outrigger.StoredAs("counts"), named("count")))
}

func count(app *outrigger.App) {
	counted(outrigger.CountWindows(minutes(app), outrigger.StoredAs("counts"), named("count")))
}

func counted(counts outrigger.KStream[outrigger.Windowed[*string], int64]) {
	outrigger.Map(counts,
		func(r outrigger.Record[outrigger.Windowed[*string], int64]) (string, string, error) {
			return unwindowed(r.Key), fmt.Sprint(r.Value), nil
		}, named("unwindow")).
		To("results", outrigger.UTF8, outrigger.UTF8, named("results"))
}
