package outrigger

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// stageScope is what does not change from batch to batch.
type stageScope struct {
	nodes         map[string]*node
	stage         *pb.Stage
	sources       []string
	applicationID string
	// The node whose timers the rows of a source are.
	timerSources map[uint32]string
	// The largest result that the sidecar takes.
	resultBytesMax int
}

// batchRun is one batch on its way to its result.
type batchRun struct {
	stage   *stageScope
	batch   *pb.Batch
	states  map[string]*batchState
	timers  timerSet
	entries []*emitter
	// Of the nodes that run here, by name: what has several parents is one.
	emitters map[string]*emitter
	outputs  outputs
	before   mark
	// Cancelled when what the batch does has no effect any more; with the record's trace context.
	ctx           context.Context
	recordContext context.Context
	isTracing     bool
	// The node whose code runs, for a panic.
	at           *node
	row          int
	rowTimestamp int64
	rowHeaders   []Header
}

// runBatch is nil when the batch was stopped. An error is the sidecar's fault.
func runBatch(
	ctx context.Context, stage *stageScope, batch *pb.Batch, ask asker, isStopped *atomic.Bool,
) (*pb.BatchResult, error) {
	b, err := newBatchRun(ctx, stage, batch, ask)
	if err != nil {
		return nil, err
	}
	for _, segment := range batch.Segments {
		reader, err := newSegmentReader(stage.sources, stage.applicationID, segment)
		if err != nil {
			return nil, err
		}
		for index := range reader.keys {
			if isStopped.Load() {
				return nil, nil
			}
			err := b.process(reader, index)
			if err == nil {
				err = b.keep()
			}
			if err == nil {
				continue
			}
			if isStopped.Load() {
				return nil, nil
			}
			return b.fail(err), nil
		}
	}
	if isStopped.Load() {
		return nil, nil
	}
	return b.result(), nil
}

func newBatchRun(
	ctx context.Context, stage *stageScope, batch *pb.Batch, ask asker,
) (*batchRun, error) {
	b := &batchRun{stage: stage, batch: batch, ctx: ctx, recordContext: ctx, isTracing: isTracing()}
	var keys [][]byte
	rows := 0
	for _, segment := range batch.Segments {
		rows += len(segment.Keys)
		if len(batch.States) > 0 {
			keys = append(keys, columnOf(segment.Keys, segment.NullKeys)...)
		}
	}
	b.outputs.reserve(rows)
	b.states = make(map[string]*batchState, len(batch.States))
	b.emitters = map[string]*emitter{}
	for _, columns := range batch.States {
		if int(columns.Store) >= len(stage.stage.Stores) {
			return nil, fmt.Errorf("the sidecar's batch has no store %d", columns.Store)
		}
		b.states[stage.stage.Stores[columns.Store]] = newBatchState(columns, keys, ask)
	}
	for _, name := range stage.stage.Entries {
		entry, err := b.emitter(name)
		if err != nil {
			return nil, err
		}
		b.entries = append(b.entries, entry)
	}
	return b, nil
}

func (b *batchRun) state(store string) (*batchState, error) {
	if found := b.states[store]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("the sidecar's batch carries no state of the store %q", store)
}

func (b *batchRun) sinkIndex(name string) (index uint32, isSink bool) {
	found := slices.Index(b.stage.stage.Sinks, name)
	return uint32(max(found, 0)), found >= 0
}

func (b *batchRun) process(reader *segmentReader, index int) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = failedAt(b.at, &panicError{caught, string(debug.Stack())})
		}
	}()
	b.rowTimestamp = reader.timestamp(index)
	b.rowHeaders = reader.headersAt(index)
	if b.isTracing {
		b.recordContext = withHeadersOf(b.ctx, b.rowHeaders)
	}
	for _, entry := range b.entries {
		b.at = entry.node
		if store := entry.node.aggregates; store != "" {
			state, err := b.state(store)
			if err != nil {
				return failedAt(entry.node, err)
			}
			// Late, or without a key: the sidecar has said so, and nothing of the record is read.
			if !state.hasSlot(b.row) {
				continue
			}
		}
		if err := entry.enter(reader, index); err != nil {
			return err
		}
	}
	return nil
}

// keep says that the row is done: what it did stays. It fails where the result would not fit a frame.
func (b *batchRun) keep() error {
	size := b.outputs.bytes
	for _, state := range b.states {
		size += state.bytes
	}
	size += b.timers.size()
	if size > b.stage.resultBytesMax {
		return fmt.Errorf(
			"the results of %d records take %d bytes, the sidecar takes %d: write less for each "+
				"record, or raise server.max.message.bytes", b.row+1, size, b.stage.resultBytesMax)
	}
	for _, state := range b.states {
		state.keep()
	}
	b.timers.keep()
	b.before = b.outputs.mark()
	b.row++
	return nil
}

// fail says that the row failed: what it did never was.
func (b *batchRun) fail(err error) *pb.BatchResult {
	b.outputs.truncate(b.before)
	for _, state := range b.states {
		state.rollback()
	}
	b.timers.rollback()
	result := b.result()
	at := ""
	if named, isNamed := err.(*nodeError); isNamed {
		at, err = named.node, named.err
	} else if len(b.entries) == 1 {
		// What no code returned, the size of a result, is the entry's.
		at = b.entries[0].node.name
	}
	result.Failure = failureOf(err, at)
	return result
}

func (b *batchRun) result() *pb.BatchResult {
	result := &pb.BatchResult{
		DispatchId: b.batch.DispatchId,
		TaskEpoch:  b.batch.TaskEpoch,
		TaskId:     b.batch.TaskId,
		Done:       uint32(b.row),
		Outputs:    b.outputs.finish(),
	}
	for _, state := range b.states {
		if m := state.mutations(); m != nil {
			result.Mutations = append(result.Mutations, m)
		}
	}
	result.Timers = b.timers.finish()
	return result
}
