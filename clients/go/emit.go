package outrigger

import (
	"fmt"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// EmitStrategy says when an aggregate forwards its results, as Kafka Streams' does. The zero value is
// OnWindowUpdate.
type EmitStrategy struct{ kind pb.EmitStrategy }

var (
	// OnWindowUpdate forwards each update, windowed or not: what holds where nothing is said.
	OnWindowUpdate = EmitStrategy{pb.EmitStrategy_EMIT_STRATEGY_ON_WINDOW_UPDATE}
	// OnWindowClose forwards each window once, when stream time has passed its end and its grace (KIP-825), with
	// the latest time of its records. What your code folds is forwarded as its store has it: a sink right behind
	// it that writes keys or values otherwise is refused at the first record.
	OnWindowClose = EmitStrategy{pb.EmitStrategy_EMIT_STRATEGY_ON_WINDOW_CLOSE}
	// OnCommit forwards each key that a commit changed once, with its last value, in that commit; windowed or
	// not, with topics and repartitions behind it.
	OnCommit = EmitStrategy{pb.EmitStrategy_EMIT_STRATEGY_ON_COMMIT}
)

func (s EmitStrategy) holdsBack() bool { return s == OnWindowClose || s == OnCommit }

// EmitStrategy says when results are forwarded: each update, or each key once per commit.
func (g KGroupedStream[K, V]) EmitStrategy(emit EmitStrategy) KGroupedStream[K, V] {
	g.emit = emit
	return g
}

// EmitStrategy says when results are forwarded: each update, each window once, or each key once per commit.
func (g TimeWindowedKStream[K, V]) EmitStrategy(emit EmitStrategy) TimeWindowedKStream[K, V] {
	g.group.emit = emit
	return g
}

// EmitStrategy says when results are forwarded: each update, each session once, or each key once per commit.
func (g SessionWindowedKStream[K, V]) EmitStrategy(emit EmitStrategy) SessionWindowedKStream[K, V] {
	g.group.emit = emit
	return g
}

// BufferConfig says what a task holds back at most: on disk, with a changelog. The zero value holds any
// number of keys.
type BufferConfig struct {
	// Keys; 0: any number.
	MaxRecords int64
	// Bytes of keys, values and headers; 0: any number.
	MaxBytes int64
	// EmitEarly forwards what has waited longest before its time when the buffer is full; without it the task
	// stops with SUPPRESS_BUFFER_FULL.
	EmitEarly bool
}

func (b BufferConfig) declared() *pb.SuppressBuffer {
	full := pb.BufferFull_BUFFER_FULL_SHUT_DOWN
	if b.EmitEarly {
		full = pb.BufferFull_BUFFER_FULL_EMIT_EARLY
	}
	return &pb.SuppressBuffer{MaxRecords: b.MaxRecords, MaxBytes: b.MaxBytes, WhenFull: full}
}

// Suppressed says how long Suppress holds results back.
type Suppressed struct {
	declared *pb.Suppress
	err      error
}

// UntilWindowCloses holds each window back until it closes: it is forwarded once, when stream time has passed
// its end and its grace.
func UntilWindowCloses(buffer BufferConfig) Suppressed {
	return Suppressed{declared: &pb.Suppress{
		UntilWindowCloses: &pb.UntilWindowCloses{}, Buffer: buffer.declared(),
	}}
}

// UntilTimeLimit holds each key back until so much stream time, in whole ms, has passed since its first
// update: later ones take its place.
func UntilTimeLimit(timeToWaitForMoreEvents time.Duration, buffer BufferConfig) Suppressed {
	wait := timeToWaitForMoreEvents
	if wait < 0 || wait%time.Millisecond != 0 {
		return Suppressed{err: fmt.Errorf("a time to wait of %s: give whole ms, 0 or more", wait)}
	}
	return Suppressed{declared: &pb.Suppress{
		UntilTimeLimit: &pb.UntilTimeLimit{WaitMs: wait.Milliseconds()}, Buffer: buffer.declared(),
	}}
}

// Suppress holds the results of an aggregate back until they are final, or for a time: right behind the
// aggregate. What is held back is in a store of the node, `<name>-store`.
func (s KStream[K, V]) Suppress(suppressed Suppressed, opts ...Option) KStream[K, V] {
	o := optionsOf(opts)
	declared := &pb.Node{Kind: &pb.Node_Suppress{Suppress: suppressed.declared}}
	added := &node{key: s.key.orMissing(), value: s.value.orMissing()}
	name := s.app.topology.add("suppress", s.nodes, declared, added, o)
	if suppressed.err != nil {
		s.app.topology.fail("%q has %w", name, suppressed.err)
	}
	return KStream[K, V]{s.app, []string{name}, s.key, s.value}
}
