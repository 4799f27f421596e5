package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/outrigger-io/outrigger/clients/go"
)

type waiting = outrigger.Context[*string, *string]

// timers: the value says what is to be done with timers of the record's key, see docs/sdks.md.
func timers(app *outrigger.App) {
	wait := outrigger.Process(commands(app), setTimers, named("wait"), outrigger.OnTimer(onTimer),
		outrigger.Punctuate("beat", time.Minute, outrigger.WallClock, beat))
	results(wait)
}

func setTimers(ctx *waiting, r record) error {
	if r.Value == nil {
		return nil
	}
	for action := range strings.SplitSeq(*r.Value, "; ") {
		words := strings.Split(action, " ")
		clock := outrigger.StreamTime
		if words[len(words)-1] == "wall" {
			clock = outrigger.WallClock
		}
		switch words[0] {
		case "set":
			at, err := strconv.ParseInt(words[2], 10, 64)
			if err != nil {
				return err
			}
			ctx.SetTimer(words[1], at, clock)
		case "delete":
			ctx.DeleteTimer(words[1], clock)
		case "fail":
			return errTold
		}
	}
	return nil
}

func onTimer(ctx *waiting, timer outrigger.FiredTimer[*string]) error {
	if timer.Name == "fail" {
		return fmt.Errorf("fail %s %s", *timer.Key, timer.IdempotencyKey)
	}
	if timer.Name == "again" {
		ctx.SetTimer(timer.Name, timer.Time+1_000, timer.Clock)
	}
	clock := "stream"
	if timer.Clock == outrigger.WallClock {
		clock = "wall"
	}
	ctx.Forward(timer.Key, outrigger.Ptr(fmt.Sprintf("%s %d %s", timer.Name, timer.Time, clock)))
	return nil
}

func beat(ctx *waiting, timestamp int64) error {
	ctx.Forward(nil, outrigger.Ptr(fmt.Sprintf("beat %d", timestamp)))
	return nil
}
