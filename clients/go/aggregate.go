package outrigger

import (
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// KGroupedStream are records grouped by key: fold them over all time, or by windows.
type KGroupedStream[K, V any] struct{ stream KStream[K, V] }

// TimeWindowedKStream are records grouped by key and window.
type TimeWindowedKStream[K, V any] struct {
	stream  KStream[K, V]
	windows TumblingWindows
}

// WindowedBy groups by windows too.
func (g KGroupedStream[K, V]) WindowedBy(windows TumblingWindows) TimeWindowedKStream[K, V] {
	if windows.Size < time.Millisecond {
		g.stream.app.topology.fail("a window of %v is none: make it 1 ms or more", windows.Size)
	}
	return TimeWindowedKStream[K, V]{g.stream, windows}
}

// Count counts the records of each key, in the sidecar.
func Count[K, V any](g KGroupedStream[K, V], opts ...Option) KStream[K, int64] {
	s := g.stream
	name := addAggregate(s.app, s.node, "count", &node{key: s.key, value: s.value}, nil, nil, opts)
	return KStream[K, int64]{app: s.app, node: name, key: s.key, value: erase(Int64)}
}

// CountWindows counts the records of each key and window, in the sidecar.
func CountWindows[K, V any](
	g TimeWindowedKStream[K, V], opts ...Option,
) KStream[Windowed[K], int64] {
	s := g.stream
	name := addAggregate(
		s.app, s.node, "count", &node{key: s.key, value: s.value}, &g.windows, nil, opts)
	key := windowedKey(s.key, wrapKey[K], g.windows.Size.Milliseconds())
	return KStream[Windowed[K], int64]{app: s.app, node: name, key: key, value: erase(Int64)}
}

// Aggregate folds the records of each key here, in your code; it forwards each new value.
func Aggregate[K, V, A any](
	g KGroupedStream[K, V], initializer func() A, aggregator func(key K, value V, aggregate A) (A, error),
	serde Serde[A], opts ...Option,
) KStream[K, A] {
	s := g.stream
	f := newFold(initializer, aggregator, serde)
	added := &node{key: s.key, value: s.value}
	name := addAggregate(s.app, s.node, "aggregate", added, nil, f, opts)
	return KStream[K, A]{app: s.app, node: name, key: s.key, value: s.value}
}

// AggregateWindows folds the records of each key and window, in your code; it forwards each new value
// under the windowed key. A record too late for its window is dropped and counted by the sidecar.
func AggregateWindows[K, V, A any](
	g TimeWindowedKStream[K, V], initializer func() A,
	aggregator func(key K, value V, aggregate A) (A, error), serde Serde[A], opts ...Option,
) KStream[Windowed[K], A] {
	s := g.stream
	f := newFold(initializer, aggregator, serde)
	f.windowSizeMs = g.windows.Size.Milliseconds()
	f.wrap = wrapKey[K]
	added := &node{key: s.key, value: s.value}
	name := addAggregate(s.app, s.node, "aggregate", added, &g.windows, f, opts)
	return KStream[Windowed[K], A]{app: s.app, node: name, key: s.key, value: s.value}
}

func wrapKey[K any](key any, window Window) any { return Windowed[K]{as[K](key), window} }

func newFold[K, V, A any](
	initializer func() A, aggregator func(key K, value V, aggregate A) (A, error), serde Serde[A],
) *fold {
	return &fold{
		serde:       erase(serde),
		initializer: func() any { return initializer() },
		next: func(key, value, aggregate any) (any, error) {
			return aggregator(as[K](key), as[V](value), as[A](aggregate))
		},
	}
}

// addAggregate declares a fold: in the application where there is one, a count in the sidecar else.
func addAggregate(
	app *App, parent, what string, added *node, windows *TumblingWindows, f *fold, opts []Option,
) string {
	o := optionsOf(opts)
	store := app.topology.storeName(o.store, what)
	aggregate := &pb.Aggregate{Store: store, Aggregator: pb.Aggregator_AGGREGATOR_COUNT}
	kind := pb.StoreKind_STORE_KIND_KEY_VALUE
	if windows != nil {
		kind = pb.StoreKind_STORE_KIND_WINDOW
		aggregate.Tumbling = &pb.TumblingWindows{
			SizeMs: windows.Size.Milliseconds(), GraceMs: windows.Grace.Milliseconds(),
		}
	}
	if f != nil {
		f.store = store
		aggregate.Aggregator = pb.Aggregator_AGGREGATOR_APPLICATION
		added.aggregates = store
		added.code = func(record anyRecord, e *emitter) error { return e.fold(record, f) }
	}
	app.topology.addStore(store, kind)
	declared := &pb.Node{Kind: &pb.Node_Aggregate{Aggregate: aggregate}}
	return app.topology.add("aggregate", parent, declared, added, o)
}
