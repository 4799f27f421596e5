package outrigger

import (
	"regexp"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// KStream is a stream of records with keys K and values V. Nothing runs before App.Run. What changes
// types are functions and not methods, for methods have no type parameters of their own.
type KStream[K, V any] struct {
	app        *App
	node       string
	key, value erased
}

// Stream reads topics; the serdes say what the handlers get.
func Stream[K, V any](
	app *App, key Serde[K], value Serde[V], topics []string, opts ...Option,
) KStream[K, V] {
	return streamOf(app, key, value, &pb.Source{Topics: topics}, opts)
}

// StreamPattern reads every topic whose whole name the pattern matches, also those that are made
// while the application runs. The sidecar refuses a pattern with flags, such as (?i).
func StreamPattern[K, V any](
	app *App, key Serde[K], value Serde[V], pattern *regexp.Regexp, opts ...Option,
) KStream[K, V] {
	return streamOf(app, key, value, &pb.Source{Pattern: pattern.String()}, opts)
}

func streamOf[K, V any](
	app *App, key Serde[K], value Serde[V], source *pb.Source, opts []Option,
) KStream[K, V] {
	s := KStream[K, V]{app: app, key: erase(key), value: erase(value)}
	declared := &pb.Node{Kind: &pb.Node_Source{Source: source}}
	added := &node{key: s.key, value: s.value}
	s.node = app.topology.add("source", "", declared, added, optionsOf(opts))
	return s
}

// Process runs your code on each record, in the order of its partition. A handler that returns an
// error, or panics, leaves nothing of its record behind; the record is tried again by the sidecar's
// policy. Handlers may block: each task has a goroutine.
func Process[K, V, K2, V2 any](
	s KStream[K, V], handler func(ctx *Context[K2, V2], record Record[K, V]) error, opts ...Option,
) KStream[K2, V2] {
	o := optionsOf(opts)
	names := make([]string, len(o.stores))
	for i, store := range o.stores {
		names[i] = store.storeName()
		s.app.topology.addStore(names[i], pb.StoreKind_STORE_KIND_KEY_VALUE)
	}
	code := func(record anyRecord, e *emitter) error {
		ctx := newContext[K2, V2](record, e)
		err := handler(ctx, typed[K, V](record))
		return ctx.finish(err)
	}
	return function[K, V, K2, V2](s, pb.Operation_OPERATION_PROCESS, code, names, o)
}

// Map makes one record of one, key and value.
func Map[K, V, K2, V2 any](
	s KStream[K, V], mapper func(record Record[K, V]) (K2, V2, error), opts ...Option,
) KStream[K2, V2] {
	code := func(record anyRecord, e *emitter) error {
		key, value, err := mapper(typed[K, V](record))
		if err != nil {
			return err
		}
		return e.forward(record.with(key, value))
	}
	return function[K, V, K2, V2](s, pb.Operation_OPERATION_MAP, code, nil, optionsOf(opts))
}

// MapValues makes one record of one; the key stays.
func MapValues[K, V, V2 any](
	s KStream[K, V], mapper func(value V) (V2, error), opts ...Option,
) KStream[K, V2] {
	code := func(record anyRecord, e *emitter) error {
		value, err := mapper(as[V](record.value))
		if err != nil {
			return err
		}
		return e.forward(record.with(record.key, value))
	}
	return function[K, V, K, V2](s, pb.Operation_OPERATION_MAP_VALUES, code, nil, optionsOf(opts))
}

// Filter keeps the records of which the predicate is true.
func (s KStream[K, V]) Filter(
	predicate func(record Record[K, V]) (bool, error), opts ...Option,
) KStream[K, V] {
	code := func(record anyRecord, e *emitter) error {
		keeps, err := predicate(typed[K, V](record))
		if err != nil || !keeps {
			return err
		}
		return e.forward(record)
	}
	return function[K, V, K, V](s, pb.Operation_OPERATION_FILTER, code, nil, optionsOf(opts))
}

// GroupByKey groups by the key that the records have.
func (s KStream[K, V]) GroupByKey() KGroupedStream[K, V] { return KGroupedStream[K, V]{s} }

// To writes a topic that must exist, with these serdes.
func (s KStream[K, V]) To(topic string, key Serde[K], value Serde[V], opts ...Option) {
	declared := &pb.Node{Kind: &pb.Node_Sink{Sink: &pb.Sink{Topic: topic}}}
	added := &node{key: erase(key), value: erase(value), isSink: true}
	s.app.topology.add("sink", s.node, declared, added, optionsOf(opts))
}

func function[K, V, K2, V2 any](
	s KStream[K, V], operation pb.Operation, code nodeCode, stores []string, o options,
) KStream[K2, V2] {
	declared := &pb.Node{
		Kind: &pb.Node_Function{Function: &pb.Function{Operation: operation, Stores: stores}},
	}
	added := &node{key: s.key, value: s.value, code: code, stores: stores}
	name := s.app.topology.add("function", s.node, declared, added, o)
	// What follows gets values, not bytes: only a stage's entry reads, and only a sink writes.
	return KStream[K2, V2]{app: s.app, node: name, key: s.key, value: s.value}
}
