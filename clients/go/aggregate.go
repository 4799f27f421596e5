package outrigger

import (
	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// Aggregate folds the records of each key here, in your code; it forwards each new value. A record without
// a value is skipped. An aggregate of nil is deleted, and forwarded as nil.
func Aggregate[K, V, A any](
	g KGroupedStream[K, V], initializer func() A, aggregator func(key K, value V, aggregate A) (A, error),
	serde Serde[A], opts ...Option,
) KStream[K, A] {
	a := aggregating(initializer, aggregator, serde)
	return addTo[K, V, A](g, a, a.fold.serde, opts)
}

// AggregateWindows folds the records of each key and window, in your code; it forwards each new value
// under the windowed key. A record too late for its window is dropped and counted by the sidecar.
func AggregateWindows[K, V, A any](
	g TimeWindowedKStream[K, V], initializer func() A,
	aggregator func(key K, value V, aggregate A) (A, error), serde Serde[A], opts ...Option,
) KStream[Windowed[K], A] {
	a := aggregating(initializer, aggregator, serde)
	return addWindows[K, V, A](g, a, a.fold.serde, opts)
}

// AggregateSessions folds the records of each key and session, in your code. A record that closes the gap
// between sessions makes one of them: the merger folds the aggregates of those that there were, earliest
// first, into what the initializer begins. Each of those is forwarded as nil under its own window, then the
// new value under that of the whole. A must be a type that can be nil.
func AggregateSessions[K, V, A any](
	g SessionWindowedKStream[K, V], initializer func() A,
	aggregator func(key K, value V, aggregate A) (A, error),
	merger func(key K, one, other A) (A, error), serde Serde[A], opts ...Option,
) KStream[Windowed[K], A] {
	a := aggregating(initializer, aggregator, serde)
	a.fold.merge = func(key, one, other any, first bool) (any, error) {
		if first {
			one = initializer()
		}
		return merger(as[K](key), as[A](one), as[A](other))
	}
	return addSessions[K, V, A](g, a, a.fold.serde, opts)
}

// Reduce combines the records of each key here, in your code: the first as it is, and each later one with
// what there is by then. A record without a value is skipped. What is reduced to nil is deleted, and
// forwarded as nil.
func Reduce[K, V any](
	g KGroupedStream[K, V], reducer func(aggregate, value V) (V, error), opts ...Option,
) KStream[K, V] {
	return addTo[K, V, V](g, reducing(g, reducer), g.stream.value, opts)
}

// ReduceWindows is Reduce by windows; it forwards each new value under the windowed key.
func ReduceWindows[K, V any](
	g TimeWindowedKStream[K, V], reducer func(aggregate, value V) (V, error), opts ...Option,
) KStream[Windowed[K], V] {
	return addWindows[K, V, V](g, reducing(g.group, reducer), g.group.stream.value, opts)
}

// ReduceSessions is Reduce by sessions; the reducer merges them too, as AggregateSessions does. V must be a
// type that can be nil.
func ReduceSessions[K, V any](
	g SessionWindowedKStream[K, V], reducer func(aggregate, value V) (V, error), opts ...Option,
) KStream[Windowed[K], V] {
	a := reducing(g.group, reducer)
	a.fold.merge = func(_, one, other any, first bool) (any, error) {
		if first || isNull(one) {
			return other, nil
		}
		return reducer(as[V](one), as[V](other))
	}
	return addSessions[K, V, V](g, a, g.group.stream.value, opts)
}

// Count counts the records of each key, in the sidecar.
func Count[K, V any](g KGroupedStream[K, V], opts ...Option) KStream[K, int64] {
	return addTo[K, V, int64](g, counting, erase(Int64), opts)
}

// CountWindows counts the records of each key and window, in the sidecar.
func CountWindows[K, V any](
	g TimeWindowedKStream[K, V], opts ...Option,
) KStream[Windowed[K], int64] {
	return addWindows[K, V, int64](g, counting, erase(Int64), opts)
}

// CountSessions counts the records of each key and session, in the sidecar. A session that is merged into
// another one is forwarded as nil.
func CountSessions[K, V any](
	g SessionWindowedKStream[K, V], opts ...Option,
) KStream[Windowed[K], *int64] {
	return addSessions[K, V, *int64](g, counting, erase(Nullable(Int64)), opts)
}

var counting = aggregation{what: "count", aggregator: pb.Aggregator_AGGREGATOR_COUNT}

func aggregating[K, V, A any](
	initializer func() A, aggregator func(key K, value V, aggregate A) (A, error), serde Serde[A],
) aggregation {
	f := &fold{serde: erase(serde)}
	f.next = func(key, value, aggregate any, first bool) (any, error) {
		if first {
			aggregate = initializer()
		}
		return aggregator(as[K](key), as[V](value), as[A](aggregate))
	}
	return aggregation{
		what: "aggregate", aggregator: pb.Aggregator_AGGREGATOR_APPLICATION, fold: f,
	}
}

func reducing[K, V any](
	g KGroupedStream[K, V], reducer func(aggregate, value V) (V, error),
) aggregation {
	value := g.stream.value
	if !value.isKnown() {
		g.stream.app.topology.fail("nothing says how what is reduced from %q is kept: give GroupByKey or "+
			"GroupBy WithSerdes", g.stream.nodes)
	}
	f := &fold{serde: value}
	f.next = func(_, value, aggregate any, first bool) (any, error) {
		if first || isNull(aggregate) {
			return value, nil
		}
		return reducer(as[V](aggregate), as[V](value))
	}
	return aggregation{
		what: "reduce", aggregator: pb.Aggregator_AGGREGATOR_APPLICATION, fold: f,
	}
}
