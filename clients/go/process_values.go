package outrigger

import (
	"context"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// FixedKeyContext is what a handler of ProcessValues may do besides computing: a Context whose outputs
// have the key of their record. It asks for no hooks.
type FixedKeyContext[V any] struct {
	context.Context
	*scope
}

// With is the same context for the record, with another context.Context: within a span, say.
func (c *FixedKeyContext[V]) With(ctx context.Context) *FixedKeyContext[V] {
	return &FixedKeyContext[V]{ctx, c.scope}
}

// Forward sends a value on under the record's key, as Context.Forward does.
func (c *FixedKeyContext[V]) Forward(value V, opts ...ForwardOption) {
	c.scope.forward(c.Context, c.record.key, value, opts)
}

// ProcessValues is Process for code that leaves the key as it is, so that what is grouped below it need not
// be repartitioned.
func ProcessValues[K, V, V2 any](
	s KStream[K, V], handler func(ctx *FixedKeyContext[V2], record Record[K, V]) error, opts ...Option,
) KStream[K, V2] {
	code := func(record anyRecord, e *emitter) error {
		ctx := &FixedKeyContext[V2]{e.batch.recordContext, &scope{record: record, emitter: e}}
		err := handler(ctx, typed[K, V](record))
		return ctx.finish(err)
	}
	f := function{operation: pb.Operation_OPERATION_PROCESS_VALUES, code: code, keepsKey: true}
	f.fire = fireValuesOf[K, V2](&s.app.topology, optionsOf(opts))
	return declare[K, V, K, V2](s, f, opts)
}
