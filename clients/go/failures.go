package outrigger

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// RetryLater is err, with the word that the record is to be tried again: after the pause, where 0
// leaves it to the policy, and no more often than the policy has tries. Return it from a handler, as
// it is or wrapped again.
func RetryLater(err error, after time.Duration) error {
	return &judgedError{pb.Verdict_VERDICT_RETRY, after, orElse(err, "to be tried again")}
}

// DeadLetter is err, with the word that no try will help: the record is dead-lettered at once.
func DeadLetter(err error) error {
	return &judgedError{pb.Verdict_VERDICT_DEAD_LETTER, 0, orElse(err, "to be dead-lettered")}
}

// Park is err, with the word that the record cannot be processed now and must not be overtaken: its key
// waits, and later records of the key follow it, until `outrigger dlq release`. It needs parked.enable
// and a key; without them it is a DeadLetter.
func Park(err error) error {
	return &judgedError{pb.Verdict_VERDICT_PARK, 0, orElse(err, "to be parked")}
}

// StopTask is err, with the word that nothing must go on: the record's task stops until another
// application connects.
func StopTask(err error) error {
	return &judgedError{pb.Verdict_VERDICT_FAIL, 0, orElse(err, "to stop the task")}
}

func orElse(err error, text string) error {
	if err == nil {
		return errors.New(text)
	}
	return err
}

// judgedError says what is to become of the record that it fails.
type judgedError struct {
	verdict pb.Verdict
	after   time.Duration
	err     error
}

func (e *judgedError) Error() string { return e.err.Error() }
func (e *judgedError) Unwrap() error { return e.err }

// Exhausted is what becomes of a record whose tries are used up.
type Exhausted int32

const (
	// ExhaustedByConfiguration leaves it to the sidecar's configuration.
	ExhaustedByConfiguration = Exhausted(pb.Exhausted_EXHAUSTED_UNSPECIFIED)
	// ExhaustedFail stops the record's task.
	ExhaustedFail = Exhausted(pb.Exhausted_EXHAUSTED_FAIL)
	// ExhaustedSkip steps over the record; only a count tells of it.
	ExhaustedSkip = Exhausted(pb.Exhausted_EXHAUSTED_SKIP)
	// ExhaustedDeadLetter writes a dead letter.
	ExhaustedDeadLetter = Exhausted(pb.Exhausted_EXHAUSTED_DEAD_LETTER)
	// ExhaustedPark lets the record's key wait, until `outrigger dlq release`; it needs parked.enable.
	ExhaustedPark = Exhausted(pb.Exhausted_EXHAUSTED_PARK)
)

// FailurePolicy is what becomes of records that a node fails on. What is left at its zero value, the
// sidecar's configuration says.
type FailurePolicy struct {
	// RetryMax is how often a record is tried again: Ptr(0) is never.
	RetryMax *int
	// RetryInitial is the pause before the first retry, in whole ms.
	RetryInitial time.Duration
	// RetryFactor is the factor by which pauses grow, from 1 on.
	RetryFactor float64
	// RetryMaxDelay is the longest pause, in whole ms.
	RetryMaxDelay time.Duration
	// RetryJitter is the share of each pause that is left to chance, from 0 to 1.
	RetryJitter *float64
	// Exhausted is what becomes of a record whose tries are used up.
	Exhausted Exhausted
}

// Ptr is a pointer to a value, for what may be left out.
func Ptr[T any](value T) *T { return &value }

// WithFailurePolicy is for nodes with code of yours: Process, Map, MapValues, Filter, Aggregate and
// AfterCommit.
func WithFailurePolicy(policy FailurePolicy) Option {
	return func(o *options) { o.policy = &policy }
}

// onWire fails for what the protocol cannot say; what it can, the sidecar checks.
func (p *FailurePolicy) onWire() (*pb.FailurePolicy, error) {
	wire := &pb.FailurePolicy{RetryJitter: p.RetryJitter, Exhausted: pb.Exhausted(p.Exhausted)}
	if p.RetryMax != nil {
		if *p.RetryMax < 0 || *p.RetryMax > math.MaxInt32 {
			return nil, fmt.Errorf("RetryMax %d, which must be 0 or more", *p.RetryMax)
		}
		wire.RetryMax = Ptr(uint32(*p.RetryMax))
	}
	if p.RetryInitial < 0 || p.RetryMaxDelay < 0 {
		return nil, fmt.Errorf("the pauses %v and %v, which must be 1 ms or more, or 0 for the "+
			"sidecar's", p.RetryInitial, p.RetryMaxDelay)
	}
	if p.RetryInitial != 0 {
		wire.RetryInitialMs = Ptr(uint64(p.RetryInitial.Milliseconds()))
	}
	if p.RetryFactor != 0 {
		wire.RetryFactor = &p.RetryFactor
	}
	if p.RetryMaxDelay != 0 {
		wire.RetryMaxDelayMs = Ptr(uint64(p.RetryMaxDelay.Milliseconds()))
	}
	return wire, nil
}

// nodeError is an error with the node that it came from. Handlers never see one.
type nodeError struct {
	node string
	err  error
}

func (e *nodeError) Error() string { return e.err.Error() }
func (e *nodeError) Unwrap() error { return e.err }

// failedAt says where an error came from, unless a node further in has said so.
func failedAt(n *node, err error) error {
	if _, isNamed := err.(*nodeError); isNamed {
		return err
	}
	return &nodeError{n.name, err}
}

// panicError is a handler's panic: a failure of its record, as an exception is elsewhere.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// failureMax is what the type, message and stack of a failure may take, each.
const failureMax = 4096

func failureOf(err error, node string) *pb.Failure {
	failure := &pb.Failure{Node: node, Message: cut(textOf(err))}
	var judged *judgedError
	if errors.As(err, &judged) {
		failure.Verdict = judged.verdict
		if judged.after > 0 {
			// Up to whole ms: a pause that was asked for is none of 0.
			ms := uint64((judged.after + time.Millisecond - 1) / time.Millisecond)
			failure.RetryAfterMs = &ms
		}
	}
	if judged, isJudged := err.(*judgedError); isJudged {
		err = judged.err
	}
	failure.Type = cut(reflect.TypeOf(err).String())
	var caught *panicError
	if errors.As(err, &caught) {
		failure.Type, failure.Stack = "panic", cut(caught.stack)
	}
	return failure
}

// textOf is for errors of others: a nil pointer that is taken for an error panics when it is asked.
func textOf(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("(an error of type %T, which has no text)", err)
		}
	}()
	return err.Error()
}

func cut(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), failureMax)], "")
}
