package outrigger

import "fmt"

// Option says of a node what may be left out.
type Option func(*options)

type options struct {
	name, store string
	stores      []StoreDefinition
	policy      *FailurePolicy
	// Serde[K] and Serde[V] of the records that the node takes; nil where none are given.
	key, value any
	partitions int32
	// Of a Process; nil where its code sets no timers.
	onTimer     any
	punctuators []punctuator
}

// Named gives a node a name that stays when others are inserted before it.
func Named(name string) Option { return func(o *options) { o.name = name } }

// StoredAs names the store of an aggregation; its changelog is `<application.id>-<name>-changelog`.
func StoredAs(name string) Option { return func(o *options) { o.store = name } }

// WithSerdes says how records are written that a Repartition, GroupByKey or GroupBy takes from your code:
// Kafka Streams' Grouped and Repartitioned. Without, they are those that the records were read with, as
// far as the types are still the same, else those of WithDefaultSerdes.
func WithSerdes[K, V any](key Serde[K], value Serde[V]) Option {
	return func(o *options) { o.key, o.value = key, value }
}

// WithPartitions is the number of partitions of a Repartition's topic; 0, the default, takes as many as
// the most of the sources above it.
func WithPartitions(count int32) Option { return func(o *options) { o.partitions = count } }

// WithStores gives a processor its stores.
func WithStores(stores ...StoreDefinition) Option {
	return func(o *options) { o.stores = append(o.stores, stores...) }
}

func optionsOf(given []Option) options {
	var o options
	for _, option := range given {
		option(&o)
	}
	return o
}

// serdesOf are how the records of a stream are written: as the options say, or as they were read, or as
// the application does by default. What nothing says stays unknown.
func serdesOf[K, V any](s KStream[K, V], o options) (key, value erased) {
	t := &s.app.topology
	return chosen[K](t, "keys", o.key, s.key, t.defaultKeys),
		chosen[V](t, "values", o.value, s.value, t.defaultValues)
}

func chosen[T any](t *topology, what string, given any, known erased, defaults []any) erased {
	if given != nil {
		serde, fits := given.(Serde[T])
		if !fits {
			t.fail("%T is no serde for %s of %s: give WithSerdes those of the stream's types",
				given, what, typeName[T]())
		}
		return erase(serde)
	}
	if known.isKnown() {
		return known
	}
	for _, one := range defaults {
		if serde, fits := one.(Serde[T]); fits {
			return erase(serde)
		}
	}
	return erased{}
}

func typeName[T any]() string { return fmt.Sprintf("%T", *new(T)) }
