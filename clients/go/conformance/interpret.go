package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/outrigger-io/outrigger/clients/go"
)

type action struct {
	Do        string       `json:"do"`
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	From      *string      `json:"from"`
	To        *string      `json:"to"`
	Reverse   bool         `json:"reverse"`
	Timestamp *int64       `json:"timestamp"`
	Headers   *[][]*string `json:"headers"`
	Ms        int          `json:"ms"`
	Message   string       `json:"message"`
	Verdict   string       `json:"verdict"`
	AfterMs   int          `json:"afterMs"`
	Unless    string       `json:"unless"`
}

type (
	command       = outrigger.Record[*string, *[]action]
	recordContext = outrigger.Context[*string, *string]
)

// afterCommit asks the hook, in the topology that has one.
var afterCommit func(ctx outrigger.StoreContext, payload *string)

func interpret(ctx *recordContext, c command) error {
	if c.Value == nil {
		ctx.Forward(c.Key, nil)
		return nil
	}
	notes := []any{}
	for _, a := range *c.Value {
		if a.Unless != "" {
			if _, err := os.Stat(a.Unless); err == nil {
				continue
			}
			if err := os.WriteFile(a.Unless, nil, 0o600); err != nil {
				return err
			}
		}
		if err := a.act(ctx, c, &notes); err != nil {
			return err
		}
	}
	if len(notes) == 0 {
		return nil
	}
	written, err := json.Marshal(notes)
	value := string(written)
	ctx.Forward(c.Key, &value)
	return err
}

func (a action) act(ctx *recordContext, c command, notes *[]any) error {
	switch a.Do {
	case "get":
		value, ok, err := state.Get(ctx, *a.Key)
		if ok {
			*notes = append(*notes, value)
		} else {
			*notes = append(*notes, nil)
		}
		return err
	case "put":
		return state.Put(ctx, *a.Key, *a.Value)
	case "delete":
		return state.Delete(ctx, *a.Key)
	case "range":
		found := [][2]string{}
		r := outrigger.Range[string]{From: a.From, To: a.To, Reverse: a.Reverse}
		for entry, err := range state.Range(ctx, r) {
			if err != nil {
				return err
			}
			found = append(found, [2]string{entry.Key, entry.Value})
		}
		*notes = append(*notes, found)
	case "forward":
		ctx.Forward(a.Key, a.Value, a.forwardedAs()...)
	case "afterCommit":
		afterCommit(ctx, a.Value)
	case "describe":
		*notes = append(*notes, describe(c))
	case "trace":
		*notes = append(*notes, traceparent(ctx))
	case "wait":
		time.Sleep(time.Duration(a.Ms) * time.Millisecond)
	case "fail":
		return a.failure()
	case "crash":
		os.Exit(42)
	default:
		return fmt.Errorf("there is no action %q", a.Do)
	}
	return nil
}

func (a action) failure() error {
	err := errors.New(a.Message)
	switch a.Verdict {
	case "retry":
		return outrigger.RetryLater(err, time.Duration(a.AfterMs)*time.Millisecond)
	case "deadLetter":
		return outrigger.DeadLetter(err)
	case "park":
		return outrigger.Park(err)
	case "stop":
		return outrigger.StopTask(err)
	default:
		return err
	}
}

func (a action) forwardedAs() []outrigger.ForwardOption {
	var opts []outrigger.ForwardOption
	if a.Timestamp != nil {
		opts = append(opts, outrigger.WithTimestamp(*a.Timestamp))
	}
	if a.Headers != nil {
		var headers []outrigger.Header
		for _, pair := range *a.Headers {
			header := outrigger.Header{Key: *pair[0]}
			if pair[1] != nil {
				header.Value = []byte(*pair[1])
			}
			headers = append(headers, header)
		}
		opts = append(opts, outrigger.WithHeaders(headers...))
	}
	return opts
}

func describe(c command) map[string]any {
	headers := [][2]any{}
	for _, h := range c.Headers {
		pair := [2]any{h.Key, nil}
		if h.Value != nil {
			pair[1] = string(h.Value)
		}
		headers = append(headers, pair)
	}
	return map[string]any{
		"topic": c.Topic(), "partition": c.Partition(), "offset": c.Offset(),
		"timestamp": c.Timestamp, "key": c.Key, "idempotencyKey": c.IdempotencyKey(),
		"headers": headers,
	}
}

func traceparent(ctx *recordContext) any {
	carried := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(ctx, carried)
	if found := carried.Get("traceparent"); found != "" {
		return found
	}
	return nil
}
