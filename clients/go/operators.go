package outrigger

import pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"

// KeyValue is a key and a value, without the rest of a record.
type KeyValue[K, V any] struct {
	Key   K
	Value V
}

// SelectKey gives each record another key. What is grouped below it goes through a topic of the
// sidecar's, so that all records of a key meet.
func SelectKey[K, V, K2 any](
	s KStream[K, V], mapper func(record Record[K, V]) (K2, error), opts ...Option,
) KStream[K2, V] {
	code := func(record anyRecord, e *emitter) error {
		key, err := mapper(typed[K, V](record))
		if err != nil {
			return err
		}
		return e.forward(record.with(key, record.value))
	}
	f := function{operation: pb.Operation_OPERATION_SELECT_KEY, code: code, keepsValue: true}
	return declare[K, V, K2, V](s, f, opts)
}

// FlatMap makes any number of records of one, key and value.
func FlatMap[K, V, K2, V2 any](
	s KStream[K, V], mapper func(record Record[K, V]) ([]KeyValue[K2, V2], error), opts ...Option,
) KStream[K2, V2] {
	code := func(record anyRecord, e *emitter) error {
		made, err := mapper(typed[K, V](record))
		if err != nil {
			return err
		}
		for _, one := range made {
			if err := e.forward(record.with(one.Key, one.Value)); err != nil {
				return err
			}
		}
		return nil
	}
	f := function{operation: pb.Operation_OPERATION_FLAT_MAP, code: code}
	return declare[K, V, K2, V2](s, f, opts)
}

// FlatMapValues makes any number of records of one; the key stays.
func FlatMapValues[K, V, V2 any](
	s KStream[K, V], mapper func(value V) ([]V2, error), opts ...Option,
) KStream[K, V2] {
	code := func(record anyRecord, e *emitter) error {
		made, err := mapper(as[V](record.value))
		if err != nil {
			return err
		}
		for _, value := range made {
			if err := e.forward(record.with(record.key, value)); err != nil {
				return err
			}
		}
		return nil
	}
	f := function{operation: pb.Operation_OPERATION_FLAT_MAP_VALUES, code: code, keepsKey: true}
	return declare[K, V, K, V2](s, f, opts)
}

// Peek shows each record to your code, and lets it go on as it is. What the code does outside Kafka
// happens at least once.
func (s KStream[K, V]) Peek(action func(record Record[K, V]) error, opts ...Option) KStream[K, V] {
	code := func(record anyRecord, e *emitter) error {
		if err := action(typed[K, V](record)); err != nil {
			return err
		}
		return e.forward(record)
	}
	return declare[K, V, K, V](s, function{pb.Operation_OPERATION_PEEK, code, true, true, nil}, opts)
}

// Merge are the records of both streams, each as it comes: between the two there is no order. Both must be
// read with the same serdes, where they have some.
func (s KStream[K, V]) Merge(other KStream[K, V]) KStream[K, V] {
	t := &s.app.topology
	merged := KStream[K, V]{app: s.app, key: s.key, value: s.value}
	if s.app != other.app {
		t.fail("a stream of another application cannot be merged")
		return s
	}
	merged.nodes = append(merged.nodes, s.nodes...)
	for _, name := range other.nodes {
		for _, known := range s.nodes {
			if known == name {
				t.fail("%q is merged with itself: its records would come twice", name)
				return s
			}
		}
		merged.nodes = append(merged.nodes, name)
	}
	merged.key = common(t, "keys", s.key, other.key, merged.nodes)
	merged.value = common(t, "values", s.value, other.value, merged.nodes)
	return merged
}

func common(t *topology, what string, one, other erased, nodes []string) erased {
	if !one.isKnown() {
		return other
	}
	if other.isKnown() && one.code != other.code {
		t.fail("the %s of %q are read with different serdes: to merge them, read both with one", what, nodes)
	}
	return one
}

// Repartition gives each record to the task that its key belongs to: it writes a topic of the sidecar's,
// `<application.id>-<name>-repartition`, and reads it again. The options may name it, and say how it is
// written (WithSerdes), and its partitions (WithPartitions).
func (s KStream[K, V]) Repartition(opts ...Option) KStream[K, V] {
	o := optionsOf(opts)
	repartition := &pb.Repartition{Partitions: o.partitions}
	declared := &pb.Node{Kind: &pb.Node_Repartition{Repartition: repartition}}
	key, value := serdesOf(s, o)
	added := &node{key: key.orMissing(), value: value.orMissing()}
	name := s.app.topology.add("repartition", s.nodes, declared, added, o)
	s.app.topology.needSerdes(name, s.nodes, key, value)
	return KStream[K, V]{s.app, []string{name}, key, value}
}
