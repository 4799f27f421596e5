package outrigger

import (
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// stampBytes stand before a value, as Kafka Streams' ValueAndTimestampSerializer writes them.
const stampBytes = 8

// ValueAndTimestamp is a value, and when it was written, in ms since the epoch.
type ValueAndTimestamp[V any] struct {
	Value     V
	Timestamp int64
}

// TimestampedKeyValueStore is a key-value store whose values carry a timestamp, as Kafka Streams'
// TimestampedKeyValueStore: give it to Process by WithStores.
type TimestampedKeyValueStore[K, V any] struct {
	stamped *KeyValueStore[K, ValueAndTimestamp[V]]
	values  Serde[V]
	ttl     time.Duration
}

// NewTimestampedKeyValueStore declares a timestamped key-value store.
func NewTimestampedKeyValueStore[K, V any](
	name string, key Serde[K], value Serde[V],
) *TimestampedKeyValueStore[K, V] {
	stamped := NewKeyValueStore(name, key, stampedSerde(value))
	return &TimestampedKeyValueStore[K, V]{stamped: stamped, values: value}
}

// WithTTL is the same store with entries that are gone when stream time is so far past their timestamp.
// The wall clock plays no part: an entry lives on while no record comes. Whole ms above 0, else Run
// returns an error.
func (s *TimestampedKeyValueStore[K, V]) WithTTL(ttl time.Duration) *TimestampedKeyValueStore[K, V] {
	mortal := *s
	mortal.ttl = ttl
	if ttl < time.Millisecond || ttl%time.Millisecond != 0 {
		mortal.ttl = -time.Millisecond
	}
	return &mortal
}

func (s *TimestampedKeyValueStore[K, V]) declaredStore() *pb.Store {
	return &pb.Store{
		Name:  s.stamped.name,
		Kind:  pb.StoreKind_STORE_KIND_TIMESTAMPED_KEY_VALUE,
		TtlMs: s.ttl.Milliseconds(),
	}
}

// Get says whether the key has a value. The record's own key travels with the batch: no hop.
func (s *TimestampedKeyValueStore[K, V]) Get(
	ctx StoreContext, key K,
) (value ValueAndTimestamp[V], ok bool, err error) {
	return s.stamped.Get(ctx, key)
}

// Put sets the key's value, with the record's timestamp.
func (s *TimestampedKeyValueStore[K, V]) Put(ctx StoreContext, key K, value V) error {
	open, err := ctx.openScope()
	if err != nil {
		return err
	}
	return s.PutAt(ctx, key, value, open.record.timestamp)
}

// PutAt sets the key's value, with this timestamp, in ms since the epoch.
func (s *TimestampedKeyValueStore[K, V]) PutAt(
	ctx StoreContext, key K, value V, timestamp int64,
) error {
	return s.stamped.Put(ctx, key, ValueAndTimestamp[V]{value, timestamp})
}

// Delete removes the key.
func (s *TimestampedKeyValueStore[K, V]) Delete(ctx StoreContext, key K) error {
	return s.stamped.Delete(ctx, key)
}

// Range are the entries of a range, asked of the sidecar page by page. An error ends it.
func (s *TimestampedKeyValueStore[K, V]) Range(
	ctx StoreContext, r Range[K],
) iter.Seq2[Entry[K, ValueAndTimestamp[V]], error] {
	return s.stamped.Range(ctx, r)
}

// Prefix are the entries whose keys begin with these bytes; see KeyValueStore.Prefix.
func (s *TimestampedKeyValueStore[K, V]) Prefix(
	ctx StoreContext, prefix []byte, reverse bool,
) iter.Seq2[Entry[K, ValueAndTimestamp[V]], error] {
	return s.stamped.Prefix(ctx, prefix, reverse)
}

// All are all entries.
func (s *TimestampedKeyValueStore[K, V]) All(
	ctx StoreContext,
) iter.Seq2[Entry[K, ValueAndTimestamp[V]], error] {
	return s.stamped.All(ctx)
}

func stampedSerde[V any](value Serde[V]) Serde[ValueAndTimestamp[V]] {
	return Serde[ValueAndTimestamp[V]]{
		Serialize: func(given ValueAndTimestamp[V]) ([]byte, error) {
			written, err := value.Serialize(given.Value)
			if err != nil || written == nil {
				return nil, err
			}
			stamped := make([]byte, stampBytes, stampBytes+len(written))
			binary.BigEndian.PutUint64(stamped, uint64(given.Timestamp))
			return append(stamped, written...), nil
		},
		Deserialize: func(data []byte) (read ValueAndTimestamp[V], err error) {
			if len(data) < stampBytes {
				return read, fmt.Errorf("a value of %d bytes has no timestamp", len(data))
			}
			read.Timestamp = int64(binary.BigEndian.Uint64(data))
			read.Value, err = value.Deserialize(data[stampBytes:])
			return read, err
		},
	}
}
