package outrigger

import (
	"context"
	"fmt"
	"iter"
	"slices"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// StoreDefinition is a store of any types, declared.
type StoreDefinition interface{ declaredStore() *pb.Store }

// StoreContext is a *Context of any types.
type StoreContext interface {
	context.Context
	openScope() (*scope, error)
}

// KeyValueStore is a key-value store, declared: give it to Process by WithStores. Its changelog is
// `<application.id>-<name>-changelog`. Handlers see their own writes at once, those of failed records
// never.
type KeyValueStore[K, V any] struct {
	name  string
	key   Serde[K]
	value Serde[V]
}

// NewKeyValueStore declares a key-value store.
func NewKeyValueStore[K, V any](name string, key Serde[K], value Serde[V]) *KeyValueStore[K, V] {
	return &KeyValueStore[K, V]{name, key, value}
}

func (s *KeyValueStore[K, V]) declaredStore() *pb.Store {
	return &pb.Store{Name: s.name, Kind: pb.StoreKind_STORE_KIND_KEY_VALUE}
}

// Get says whether the key has a value. The record's own key travels with the batch: no hop.
func (s *KeyValueStore[K, V]) Get(ctx StoreContext, key K) (value V, ok bool, err error) {
	state, name, err := s.open(ctx, key)
	if err != nil {
		return value, false, err
	}
	found, err := state.getKey(ctx, name)
	if err != nil || found == nil {
		return value, false, err
	}
	value, err = s.value.Deserialize(found)
	return value, err == nil, err
}

// Put sets the key's value.
func (s *KeyValueStore[K, V]) Put(ctx StoreContext, key K, value V) error {
	state, name, err := s.open(ctx, key)
	if err != nil {
		return err
	}
	written, err := s.value.Serialize(value)
	if err != nil {
		return err
	}
	state.putKey(name, written)
	return nil
}

// Delete removes the key.
func (s *KeyValueStore[K, V]) Delete(ctx StoreContext, key K) error {
	state, name, err := s.open(ctx, key)
	if err != nil {
		return err
	}
	state.putKey(name, nil)
	return nil
}

// Range are the keys from From to To, both included, in the order of their bytes as Kafka Streams'
// range; nil is an open end.
type Range[K any] struct {
	From, To *K
	// Reverse goes from the last key to the first.
	Reverse bool
}

// Entry is a key with its value.
type Entry[K, V any] struct {
	Key   K
	Value V
}

// Range are the entries of a range, asked of the sidecar page by page. An error ends it.
func (s *KeyValueStore[K, V]) Range(ctx StoreContext, r Range[K]) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		first, end, err := s.ends(r)
		if err == nil {
			err = s.scan(ctx, first, end, r.Reverse, yield)
		}
		if err != nil {
			yield(Entry[K, V]{}, err)
		}
	}
}

// Prefix are the entries whose keys begin with these bytes, in the order of their bytes as Kafka Streams'
// prefixScan; in reverse from the last to the first. An error ends it.
func (s *KeyValueStore[K, V]) Prefix(
	ctx StoreContext, prefix []byte, reverse bool,
) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		if err := s.scan(ctx, present(prefix), prefixEnd(prefix), reverse, yield); err != nil {
			yield(Entry[K, V]{}, err)
		}
	}
}

// All are all entries.
func (s *KeyValueStore[K, V]) All(ctx StoreContext) iter.Seq2[Entry[K, V], error] {
	return s.Range(ctx, Range[K]{})
}

// ends are the first key of a range and the one behind its last; nil is an open end.
func (s *KeyValueStore[K, V]) ends(r Range[K]) (first, end []byte, err error) {
	if r.From != nil {
		if first, err = s.keyOf(*r.From); err != nil {
			return nil, nil, err
		}
	}
	if r.To != nil {
		if end, err = s.keyOf(*r.To); err != nil {
			return nil, nil, err
		}
		end = keyAfter(end)
	}
	return first, end, nil
}

func (s *KeyValueStore[K, V]) scan(
	ctx StoreContext, first, end []byte, reverse bool, yield func(Entry[K, V], error) bool,
) error {
	state, err := s.state(ctx)
	if err != nil {
		return err
	}
	for {
		page, err := state.page(ctx, first, end, reverse)
		if err != nil {
			return err
		}
		for i, name := range page.Keys {
			key, err := s.key.Deserialize(present(name))
			if err != nil {
				return err
			}
			value, err := s.value.Deserialize(present(page.Values[i]))
			if err != nil {
				return err
			}
			if !yield(Entry[K, V]{key, value}, nil) {
				return nil
			}
		}
		if !page.More || len(page.Keys) == 0 {
			return nil
		}
		last := page.Keys[len(page.Keys)-1]
		if reverse {
			end = present(last)
		} else {
			first = keyAfter(last)
		}
	}
}

func (s *KeyValueStore[K, V]) state(ctx StoreContext) (*batchState, error) {
	open, err := ctx.openScope()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(open.emitter.node.stores, s.name) {
		return nil, fmt.Errorf("the store %q was not given to this processor: use WithStores", s.name)
	}
	return open.emitter.batch.state(s.name)
}

func (s *KeyValueStore[K, V]) open(ctx StoreContext, key K) (*batchState, []byte, error) {
	state, err := s.state(ctx)
	if err != nil {
		return nil, nil, err
	}
	name, err := s.keyOf(key)
	return state, name, err
}

func (s *KeyValueStore[K, V]) keyOf(key K) ([]byte, error) {
	name, err := s.key.Serialize(key)
	if err == nil && name == nil {
		err = fmt.Errorf("the store %q has no null keys", s.name)
	}
	return name, err
}

// prefixEnd is the first key behind all that begin so; nil where none is.
func prefixEnd(prefix []byte) []byte {
	for last := len(prefix) - 1; last >= 0; last-- {
		if prefix[last] < 0xff {
			end := slices.Clone(prefix[:last+1])
			end[last]++
			return end
		}
	}
	return nil
}

// keyAfter is the key that comes next: no other lies between them.
func keyAfter(key []byte) []byte { return append(slices.Clone(key), 0) }
