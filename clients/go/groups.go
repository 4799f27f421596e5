package outrigger

import (
	"slices"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// KGroupedStream are records grouped by key: fold them over all time, or by windows.
type KGroupedStream[K, V any] struct {
	// Its serdes are those of the grouping.
	stream KStream[K, V]
	// The part of its own of the name of the topic that records go through where their key has changed.
	repartition string
	emit        EmitStrategy
}

// TimeWindowedKStream are records grouped by key and window.
type TimeWindowedKStream[K, V any] struct {
	group   KGroupedStream[K, V]
	windows TimeWindows
}

// SessionWindowedKStream are records grouped by key and session.
type SessionWindowedKStream[K, V any] struct {
	group   KGroupedStream[K, V]
	windows SessionWindows
}

// GroupByKey groups by the key that the records have. Where code above may have changed it, they go through
// a topic of the sidecar's, so that all records of a key meet: `<application.id>-<name>-repartition`, with
// the name that Named gives, else that of the aggregate's store. WithSerdes says how they are written.
func (s KStream[K, V]) GroupByKey(opts ...Option) KGroupedStream[K, V] {
	o := optionsOf(opts)
	grouped := KStream[K, V]{app: s.app, nodes: s.nodes}
	grouped.key, grouped.value = serdesOf(s, o)
	return KGroupedStream[K, V]{stream: grouped, repartition: o.name}
}

// GroupBy groups by a key that the mapper makes: SelectKey, and then GroupByKey.
func GroupBy[K, V, K2 any](
	s KStream[K, V], mapper func(record Record[K, V]) (K2, error), opts ...Option,
) KGroupedStream[K2, V] {
	return SelectKey(s, mapper, opts...).GroupByKey(opts...)
}

// WindowedBy groups by windows of time too.
func (g KGroupedStream[K, V]) WindowedBy(windows TimeWindows) TimeWindowedKStream[K, V] {
	return TimeWindowedKStream[K, V]{g, windows}
}

// WindowedBySessions groups by sessions too.
func (g KGroupedStream[K, V]) WindowedBySessions(
	windows SessionWindows,
) SessionWindowedKStream[K, V] {
	return SessionWindowedKStream[K, V]{g, windows}
}

// aggregation is an aggregate to declare.
type aggregation struct {
	// What its store is called where it is not named.
	what       string
	aggregator pb.Aggregator
	number     pb.NumberType
	// Of an aggregator in the application.
	fold *fold
	// Says of an aggregate what its windows are; nil over all time.
	windows func(aggregate *pb.Aggregate) error
	kind    pb.StoreKind
}

// isSliding says whether it folds here, in sliding windows.
func (a aggregation) isSliding() bool {
	return a.fold != nil && a.fold.windowed != nil && a.fold.skipsNull
}

func (a aggregation) overAllTime() aggregation {
	a.kind = pb.StoreKind_STORE_KIND_KEY_VALUE
	if a.fold != nil {
		a.fold.skipsNull = true
	}
	return a
}

// add declares an aggregate of the group, which forwards records of these types.
func add[K, V, K2, V2 any](
	g KGroupedStream[K, V], a aggregation, key, value erased, opts []Option,
) KStream[K2, V2] {
	s, t, o := g.stream, &g.stream.app.topology, optionsOf(opts)
	store := t.storeName(o.store, a.what)
	aggregate := &pb.Aggregate{
		Store: store, Aggregator: a.aggregator, Number: a.number, Repartition: g.repartition,
		Emit: g.emit.kind,
	}
	t.addStore(&pb.Store{Name: store, Kind: a.kind})
	if a.windows != nil {
		if err := a.windows(aggregate); err != nil {
			t.fail("the windows of the store %q have %w", store, err)
		}
	}
	added := &node{key: s.key.orMissing(), value: s.value.orMissing()}
	if f := a.fold; f != nil {
		f.store = store
		added.aggregates = store
		added.code = func(record anyRecord, e *emitter) error { return e.fold(record, f) }
	}
	declared := &pb.Node{Kind: &pb.Node_Aggregate{Aggregate: aggregate}}
	name := t.add("aggregate", s.nodes, declared, added, o)
	// The key is unknown only where it may have changed: then even a fold that runs here is written to. So is
	// one in a stage of its own: in sliding windows, or where the sidecar holds back what it forwards.
	isApart := a.isSliding() || g.emit.holdsBack()
	if a.fold == nil || isApart || !s.key.isKnown() {
		t.needSerdes(name, s.nodes, s.key, s.value)
	}
	return KStream[K2, V2]{s.app, []string{name}, key, value}
}

// needSerdes fails where records of the application's code are written to a node that is not of their stage,
// and nothing says how.
func (t *topology) needSerdes(name string, parents []string, key, value erased) {
	isCode := func(parent string) bool { return t.nodes[parent].code != nil }
	if slices.ContainsFunc(parents, isCode) && !(key.isKnown() && value.isKnown()) {
		t.fail("%q takes records of your code by way of the sidecar, and nothing says how they are "+
			"written: give GroupByKey, GroupBy or Repartition WithSerdes", name)
	}
}

// addTo declares an aggregate over all time.
func addTo[K, V, V2 any](
	g KGroupedStream[K, V], a aggregation, value erased, opts []Option,
) KStream[K, V2] {
	return add[K, V, K, V2](g, a.overAllTime(), g.stream.key, value, opts)
}

// addWindows declares an aggregate in windows of time.
func addWindows[K, V, V2 any](
	g TimeWindowedKStream[K, V], a aggregation, value erased, opts []Option,
) KStream[Windowed[K], V2] {
	a.windows, a.kind = g.windows.declare, pb.StoreKind_STORE_KIND_WINDOW
	if a.fold != nil {
		a.fold.windowed, a.fold.windowSizeMs = windowed[K], g.windows.sizeMs()
		_, a.fold.skipsNull = g.windows.(SlidingWindows)
	}
	key := windowedBy(g.group.stream.key, func(inner Serde[K]) Serde[Windowed[K]] {
		return timeWindowed(inner, g.windows.sizeMs())
	})
	return add[K, V, Windowed[K], V2](g.group, a, key, value, opts)
}

// addSessions declares an aggregate in sessions.
func addSessions[K, V, V2 any](
	g SessionWindowedKStream[K, V], a aggregation, value erased, opts []Option,
) KStream[Windowed[K], V2] {
	a.windows, a.kind = g.windows.declare, pb.StoreKind_STORE_KIND_SESSION
	if a.fold != nil {
		a.fold.windowed, a.fold.isSession = windowed[K], true
		if !isNullable[V2]() {
			g.group.stream.app.topology.fail("an aggregate of sessions is a %s, which cannot be nil: take "+
				"a pointer, for a session that is merged into another is forwarded as nil", typeName[V2]())
		}
	}
	key := windowedBy(g.group.stream.key, SessionWindowed[K])
	return add[K, V, Windowed[K], V2](g.group, a, key, value, opts)
}

func windowed[K any](key any, window Window) any { return Windowed[K]{as[K](key), window} }

// windowedBy is the serde of windowed keys, where that of the keys is known.
func windowedBy[K any](key erased, wrap func(inner Serde[K]) Serde[Windowed[K]]) erased {
	if !key.isKnown() {
		return key
	}
	e := erase(wrap(Serde[K]{
		Serialize: func(inner K) ([]byte, error) { return key.serialize(inner) },
		Deserialize: func(data []byte) (K, error) {
			inner, err := key.deserialize(data)
			return as[K](inner), err
		},
	}))
	e.code = key.code
	return e
}
