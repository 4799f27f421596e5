package outrigger

import (
	"fmt"
	"regexp"
	"strings"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// KStream is a stream of records with keys K and values V. Nothing runs before App.Run. What changes
// types are functions and not methods, for methods have no type parameters of their own.
type KStream[K, V any] struct {
	app *App
	// What forwards its records: one node, or several behind a Merge.
	nodes []string
	// How records were read, as far as their types are the same since; else unknown.
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
	s.nodes = []string{app.topology.add("source", nil, declared, added, optionsOf(opts))}
	return s
}

// Process runs your code on each record, in the order of its partition. A handler that returns an
// error, or panics, leaves nothing of its record behind; the record is tried again by the sidecar's
// policy. Handlers may block: each task has a goroutine.
func Process[K, V, K2, V2 any](
	s KStream[K, V], handler func(ctx *Context[K2, V2], record Record[K, V]) error, opts ...Option,
) KStream[K2, V2] {
	code := func(record anyRecord, e *emitter) error {
		ctx := newContext[K2, V2](record, e)
		err := handler(ctx, typed[K, V](record))
		return ctx.finish(err)
	}
	f := function{operation: pb.Operation_OPERATION_PROCESS, code: code}
	f.fire = fireOf[K, K2, V2](&s.app.topology, optionsOf(opts))
	return declare[K, V, K2, V2](s, f, opts)
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
	f := function{operation: pb.Operation_OPERATION_MAP, code: code}
	return declare[K, V, K2, V2](s, f, opts)
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
	f := function{operation: pb.Operation_OPERATION_MAP_VALUES, code: code, keepsKey: true}
	return declare[K, V, K, V2](s, f, opts)
}

// Filter keeps the records of which the predicate is true.
func (s KStream[K, V]) Filter(
	predicate func(record Record[K, V]) (bool, error), opts ...Option,
) KStream[K, V] {
	return s.filter(predicate, true, opts)
}

// FilterNot keeps the records of which the predicate is false.
func (s KStream[K, V]) FilterNot(
	predicate func(record Record[K, V]) (bool, error), opts ...Option,
) KStream[K, V] {
	return s.filter(predicate, false, opts)
}

func (s KStream[K, V]) filter(
	predicate func(record Record[K, V]) (bool, error), kept bool, opts []Option,
) KStream[K, V] {
	code := func(record anyRecord, e *emitter) error {
		found, err := predicate(typed[K, V](record))
		if err != nil || found != kept {
			return err
		}
		return e.forward(record)
	}
	f := function{pb.Operation_OPERATION_FILTER, code, true, true, nil}
	return declare[K, V, K, V](s, f, opts)
}

// To writes a topic that must exist, with these serdes.
func (s KStream[K, V]) To(topic string, key Serde[K], value Serde[V], opts ...Option) {
	declared := &pb.Node{Kind: &pb.Node_Sink{Sink: &pb.Sink{Topic: topic}}}
	added := &node{key: erase(key), value: erase(value), isSink: true}
	s.app.topology.add("sink", s.nodes, declared, added, optionsOf(opts))
}

// ToChosen writes each record to the topic that choose names, one of those given, which must exist, as
// Kafka Streams' TopicNameExtractor. Another name fails the record. The topics' sinks are named
// `<name>-<topic>`.
func (s KStream[K, V]) ToChosen(
	choose func(record Record[K, V]) (string, error), topics []string, key Serde[K], value Serde[V],
	opts ...Option,
) {
	declared := strings.Join(topics, ", ")
	children := map[string]int{}
	for child, topic := range topics {
		children[topic] = child
	}
	if len(topics) == 0 || len(children) < len(topics) {
		s.app.topology.fail("the topics to choose from are [%s]: name each of them once", declared)
		return
	}
	code := func(record anyRecord, e *emitter) error {
		chosen, err := choose(typed[K, V](record))
		if err != nil {
			return err
		}
		child, isDeclared := children[chosen]
		if !isDeclared {
			return fmt.Errorf("%q chose the topic %q, it declares: %s", e.node.name, chosen, declared)
		}
		return e.children[child].run(record)
	}
	f := function{pb.Operation_OPERATION_BRANCH, code, true, true, nil}
	chooser := declare[K, V, K, V](s, f, opts)
	for _, topic := range topics {
		chooser.To(topic, key, value, Named(chooser.nodes[0]+"-"+topic))
	}
}

// function is a node with code of the application.
type function struct {
	operation pb.Operation
	code      nodeCode
	// Whether what it forwards has keys, and values, of the types that it takes.
	keepsKey, keepsValue bool
	// Of a Process: what runs when a clock calls it.
	fire fireCode
}

func declare[K, V, K2, V2 any](s KStream[K, V], f function, opts []Option) KStream[K2, V2] {
	t, o := &s.app.topology, optionsOf(opts)
	stores := make([]string, len(o.stores))
	for i, store := range o.stores {
		declared := store.declaredStore()
		stores[i] = declared.Name
		t.addStore(declared)
	}
	called := &pb.Function{Operation: f.operation, Stores: stores}
	declared := &pb.Node{Kind: &pb.Node_Function{Function: called}}
	// Within a stage values are passed on, not bytes: only its entries read, and what is not in it is written.
	key, value := serdesOf(s, options{})
	added := &node{key: key.orMissing(), value: value.orMissing(), code: f.code, stores: stores}
	added.fire = f.fire
	t.declareTimers(called, added, o)
	added.asks = f.operation == pb.Operation_OPERATION_PROCESS
	next := KStream[K2, V2]{app: s.app, nodes: []string{t.add("function", s.nodes, declared, added, o)}}
	if f.keepsKey {
		next.key = s.key
	}
	if f.keepsValue {
		next.value = s.value
	}
	return next
}
