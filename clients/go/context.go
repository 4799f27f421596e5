package outrigger

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
)

var errRecordDone = errors.New(
	"the record's context was used after the record was done: wait for what the handler starts")

var errForwardPanicked = errors.New("what the handler forwarded has panicked")

// Context is what a handler of Process may do besides computing. As a context.Context it is cancelled
// when the batch is taken away, and carries the trace context of the record's headers. It is of no use
// once its record is done, and not for several goroutines at once.
type Context[K, V any] struct {
	context.Context
	*scope
}

// scope is one record in one node.
type scope struct {
	record  anyRecord
	emitter *emitter
	isDone  atomic.Bool
	// What went wrong downstream of a forward, or with a context that was done.
	err error
}

func newContext[K, V any](record anyRecord, e *emitter) *Context[K, V] {
	return &Context[K, V]{e.batch.recordContext, &scope{record: record, emitter: e}}
}

// With is the same context for the record, with another context.Context: within a span, say.
func (c *Context[K, V]) With(ctx context.Context) *Context[K, V] {
	return &Context[K, V]{ctx, c.scope}
}

// ForwardOption sets what an output would inherit from its input.
type ForwardOption func(*anyRecord)

// WithTimestamp is in ms since the epoch.
func WithTimestamp(timestamp int64) ForwardOption {
	return func(r *anyRecord) { r.timestamp = timestamp }
}

// WithHeaders replaces the input's headers; none at all is possible.
func WithHeaders(headers ...Header) ForwardOption {
	return func(r *anyRecord) { r.headers = slices.Clone(headers) }
}

// Forward sends a record on; it is written in the transaction of its input's offset. What goes wrong
// downstream fails the record when the handler returns, whatever it returns.
func (c *Context[K, V]) Forward(key K, value V, opts ...ForwardOption) {
	c.scope.forward(c.Context, key, value, opts)
}

func (s *scope) forward(ctx context.Context, key, value any, opts []ForwardOption) {
	if s.isDone.Load() {
		panic(errRecordDone)
	}
	next := s.record.with(key, value)
	for _, option := range opts {
		option(&next)
	}
	if s.emitter.batch.isTracing {
		next.headers = withTraceContext(ctx, next.headers)
	}
	isBack := false
	defer func() {
		if !isBack {
			s.panicked()
		}
	}()
	if err := s.emitter.forward(next); err != nil && s.err == nil {
		s.err = err
	}
	isBack = true
}

// panicked says that what was forwarded has panicked: the record fails, even where its handler
// recovers.
func (s *scope) panicked() {
	if s.err == nil {
		s.err = failedAt(s.emitter.batch.at, errForwardPanicked)
	}
}

func (s *scope) finish(err error) error {
	s.isDone.Store(true)
	if err == nil {
		return s.err
	}
	return err
}

// openScope is a scope that may still be used.
func (s *scope) openScope() (*scope, error) {
	if s.isDone.Load() {
		return nil, errRecordDone
	}
	return s, nil
}
