package outrigger

import (
	"fmt"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// TimerClock is what a timer or a punctuator goes by.
type TimerClock int

const (
	// StreamTime is the task's: the latest timestamp of the records that it has read.
	StreamTime TimerClock = iota + 1
	// WallClock is the sidecar's.
	WallClock
)

const (
	timerNameBytesMax  = 255
	timersSinceMinor   = 6
	timerOverheadBytes = 24
)

// FiredTimer is a timer that fires.
type FiredTimer[K any] struct {
	Key  K
	Name string
	// When it was to fire, in ms since the epoch; what is forwarded has this time unless it says another.
	Time  int64
	Clock TimerClock
	// The same on every attempt, as a record's.
	IdempotencyKey string
}

// OnTimer has the handler called when a timer fires that the node's code has set, by SetTimer. It is given
// to a Process whose keys and outputs have these types. A handler that fails is as a record that fails.
func OnTimer[K, K2, V2 any](
	handler func(ctx *Context[K2, V2], timer FiredTimer[K]) error,
) Option {
	return func(o *options) { o.onTimer = handler }
}

// OnTimerValues is OnTimer for ProcessValues: what it forwards has the timer's key.
func OnTimerValues[K, V2 any](
	handler func(ctx *FixedKeyContext[V2], timer FiredTimer[K]) error,
) Option {
	return func(o *options) { o.onTimer = handler }
}

// Punctuate has the handler called, in each task, each time that the clock has moved on by an interval, with
// the clock's time in ms since the epoch. By stream time the first call comes with the task's first record,
// by the wall clock an interval after the start; what was missed is one call. The name is unique within its
// Process, and stable: the schedule is kept under it. There is no key, so it sets no timers.
func Punctuate[K2, V2 any](
	name string, interval time.Duration, clock TimerClock,
	handler func(ctx *Context[K2, V2], timestamp int64) error,
) Option {
	return func(o *options) {
		o.punctuators = append(o.punctuators, punctuator{name, interval, clock, handler})
	}
}

type punctuator struct {
	name     string
	interval time.Duration
	clock    TimerClock
	// func(*Context[K2, V2], int64) error of the node's types.
	handler any
}

// SetTimer has the node's OnTimer called once for the record's key, when the clock has reached the time, in
// ms since the epoch; one that is past fires soon. A timer of this name that is set already is moved. It is
// part of what the record does. What is wrong, such as a record without a key or a name of more than 255
// bytes, fails the record when the handler returns, whatever it returns.
func (s *scope) SetTimer(name string, time int64, clock TimerClock) {
	s.changeTimer(name, clock, &time)
}

// DeleteTimer cancels a timer of the record's key, also where it is due and not handled yet; nothing where
// none is set.
func (s *scope) DeleteTimer(name string, clock TimerClock) { s.changeTimer(name, clock, nil) }

func (s *scope) changeTimer(name string, clock TimerClock, time *int64) {
	if s.isDone.Load() {
		panic(errRecordDone)
	}
	if err := s.emitter.changeTimer(s.record, name, clock, time); err != nil && s.err == nil {
		s.err = failedAt(s.emitter.node, err)
	}
}

func (e *emitter) changeTimer(record anyRecord, name string, clock TimerClock, time *int64) error {
	if !e.node.hasTimers {
		return fmt.Errorf("%q sets a timer, and nothing takes it: give the node OnTimer", e.node.name)
	}
	key, err := e.node.key.serialize(record.key)
	switch {
	case err != nil:
		return err
	case key == nil:
		return fmt.Errorf("%q sets a timer, and the record has no key: timers are of a key", e.node.name)
	case len(name) > timerNameBytesMax:
		return fmt.Errorf("a timer's name has %d bytes: it may have %d", len(name), timerNameBytesMax)
	case time != nil && (*time < 0 || *time >= 1<<53):
		return fmt.Errorf("a timer cannot be set to %d: give ms since the epoch", *time)
	case clock != StreamTime && clock != WallClock:
		return fmt.Errorf("%d is no clock: give StreamTime or WallClock", clock)
	}
	e.batch.timersOf(e.node.name).change(timerID{string(key), name, clock}, time)
	return nil
}

type timerID struct {
	key, name string
	clock     TimerClock
}

type timerUndo struct {
	id       timerID
	before   *int64
	wasThere bool
}

// batchTimers is what a batch has changed in the timers of one node: of each timer the last.
type batchTimers struct {
	node string
	// In the order in which they were first changed; a nil time cancels.
	order       []timerID
	times       map[timerID]*int64
	undo        []timerUndo
	bytes       int
	bytesBefore int
}

// timerSet is what a batch has changed in timers, by node.
type timerSet map[string]*batchTimers

func (s timerSet) size() int {
	size := 0
	for _, timers := range s {
		size += timers.bytes
	}
	return size
}

func (s timerSet) keep() {
	for _, timers := range s {
		timers.keep()
	}
}

func (s timerSet) rollback() {
	for _, timers := range s {
		timers.rollback()
	}
}

func (s timerSet) finish() []*pb.Timers {
	var all []*pb.Timers
	for _, timers := range s {
		if changes := timers.finish(); changes != nil {
			all = append(all, changes)
		}
	}
	return all
}

// timerSourcesOf says of a source whose rows are timers whose they are.
func timerSourcesOf(welcome *pb.Welcome) map[uint32]string {
	sources := map[uint32]string{}
	for _, each := range welcome.TimerSources {
		sources[each.Source] = each.Node
	}
	return sources
}

// tooOld is nil where the sidecar has what the topology needs.
func tooOld(welcome *pb.Welcome, minorNeeded uint32) *RejectedError {
	if welcome.ProtocolMinor >= minorNeeded {
		return nil
	}
	return &RejectedError{"PROTOCOL_VERSION", fmt.Sprintf(
		"the sidecar speaks outrigger.v1 minor version %d, and timers need %d: run a newer sidecar",
		welcome.ProtocolMinor, minorNeeded)}
}

func (b *batchRun) timersOf(node string) *batchTimers {
	if b.timers == nil {
		b.timers = timerSet{}
	}
	found := b.timers[node]
	if found == nil {
		found = &batchTimers{node: node, times: map[timerID]*int64{}}
		b.timers[node] = found
	}
	return found
}

func (t *batchTimers) change(id timerID, time *int64) {
	before, wasThere := t.times[id]
	t.undo = append(t.undo, timerUndo{id, before, wasThere})
	t.times[id] = time
	if !wasThere {
		t.order = append(t.order, id)
		t.bytes += len(id.key) + len(id.name) + timerOverheadBytes
	}
}

func (t *batchTimers) keep() {
	t.undo = t.undo[:0]
	t.bytesBefore = t.bytes
}

func (t *batchTimers) rollback() {
	for i := len(t.undo) - 1; i >= 0; i-- {
		last := t.undo[i]
		if last.wasThere {
			t.times[last.id] = last.before
			continue
		}
		delete(t.times, last.id)
		t.order = t.order[:len(t.order)-1]
	}
	t.undo = t.undo[:0]
	t.bytes = t.bytesBefore
}

// finish is nil where nothing has changed.
func (t *batchTimers) finish() *pb.Timers {
	if len(t.order) == 0 {
		return nil
	}
	changes := &pb.Timers{Node: t.node}
	for index, id := range t.order {
		changes.Keys = append(changes.Keys, []byte(id.key))
		changes.Names = append(changes.Names, id.name)
		changes.Clocks = append(changes.Clocks, pb.TimerClock(id.clock))
		var time int64
		if at := t.times[id]; at != nil {
			time = *at
		} else {
			changes.Deletes = append(changes.Deletes, uint32(index))
		}
		changes.Times = append(changes.Times, time)
	}
	return changes
}

// firing is what a source of timers tells: `clock | 0, or 1 for a punctuation | name`.
type firing struct {
	clock         TimerClock
	isPunctuation bool
	name          string
}

// fired is a row that tells of a timer or a punctuation.
func (r *segmentReader) fired(index int, key erased) (anyRecord, firing, error) {
	record := anyRecord{timestamp: r.timestamp(index), headers: r.headersAt(index)}
	record.place = place{r.origin, index}
	value := r.values[index]
	if len(value) < 2 || value[0] < byte(StreamTime) || value[0] > byte(WallClock) {
		return record, firing{}, fmt.Errorf("the sidecar's batch has a timer that cannot be read: update the SDK")
	}
	told := firing{TimerClock(value[0]), value[1] == 1, string(value[2:])}
	if told.isPunctuation {
		return record, told, nil
	}
	var err error
	if record.key, err = key.deserialize(r.keys[index]); err != nil {
		err = fmt.Errorf("the key of %s cannot be read: %w", record.place.idempotencyKey(), err)
	}
	return record, told, err
}

// enter reads a row, as a stage's entry does, and runs it.
func (e *emitter) enter(reader *segmentReader, index int) error {
	// What was derived from a timer further up comes from its source, too, and is a record here.
	if e.batch.stage.timerSources[reader.segment.Source] == e.node.name {
		return e.fire(reader, index)
	}
	record, err := reader.record(index, e.node.key, e.node.value)
	if err != nil {
		return failedAt(e.node, err)
	}
	return e.run(record)
}

// fire runs what the row is for.
func (e *emitter) fire(reader *segmentReader, index int) error {
	record, told, err := reader.fired(index, e.node.key)
	if err == nil && e.node.fire != nil {
		err = e.node.fire(record, told, e)
	}
	if err != nil {
		return failedAt(e.node, err)
	}
	return nil
}

func firedTimer[K any](record anyRecord, told firing) FiredTimer[K] {
	key := record.place.idempotencyKey()
	return FiredTimer[K]{as[K](record.key), told.name, record.timestamp, told.clock, key}
}

// declareTimers says what of a node a clock calls; without, it is a node as ever.
func (t *topology) declareTimers(function *pb.Function, added *node, o options) {
	function.Timers = o.onTimer != nil
	added.hasTimers = function.Timers
	for _, each := range o.punctuators {
		function.Punctuators = append(function.Punctuators, &pb.Punctuator{
			Name: each.name, Clock: pb.TimerClock(each.clock), IntervalMs: each.interval.Milliseconds(),
		})
	}
	if function.Timers || len(function.Punctuators) > 0 {
		t.minorNeeded = timersSinceMinor
	}
}

// fireOf checks that the handlers have the types of their Process.
func fireOf[K, K2, V2 any](t *topology, o options) fireCode {
	onTimer, fits := o.onTimer.(func(*Context[K2, V2], FiredTimer[K]) error)
	if o.onTimer != nil && !fits {
		t.fail("OnTimer of %q has %T: give it a handler of the node's types", o.name, o.onTimer)
	}
	punctuators := map[firing]func(*Context[K2, V2], int64) error{}
	for _, each := range o.punctuators {
		handler, fits := each.handler.(func(*Context[K2, V2], int64) error)
		if !fits {
			t.fail("Punctuate %q has %T: give it a handler of the node's types", each.name, each.handler)
		}
		punctuators[firing{each.clock, true, each.name}] = handler
	}
	return func(record anyRecord, told firing, e *emitter) error {
		ctx := newContext[K2, V2](record, e)
		if !told.isPunctuation && onTimer != nil {
			return ctx.finish(onTimer(ctx, firedTimer[K](record, told)))
		}
		if handler := punctuators[told]; handler != nil {
			return ctx.finish(handler(ctx, record.timestamp))
		}
		return nil
	}
}

func fireValuesOf[K, V2 any](t *topology, o options) fireCode {
	onTimer, fits := o.onTimer.(func(*FixedKeyContext[V2], FiredTimer[K]) error)
	if o.onTimer != nil && !fits {
		t.fail("OnTimerValues of %q has %T: give it a handler of the node's types", o.name, o.onTimer)
	}
	return func(record anyRecord, told firing, e *emitter) error {
		if onTimer == nil {
			return nil
		}
		ctx := &FixedKeyContext[V2]{e.batch.recordContext, &scope{record: record, emitter: e}}
		return ctx.finish(onTimer(ctx, firedTimer[K](record, told)))
	}
}
