package outriggertest

import (
	outrigger "github.com/outrigger-io/outrigger/clients/go"
	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// StoreView reads a store of the topology, as it is committed.
type StoreView[K, V any] struct {
	driver *Driver
	name   string
	key    outrigger.Serde[K]
	value  outrigger.Serde[V]
}

// Entry is an entry of a store.
type Entry[K, V any] struct {
	Key K
	// WindowStart is in ms since the epoch; 0 where the store has no windows.
	WindowStart int64
	Value       V
}

// Store is the store of that name.
func Store[K, V any](
	d *Driver, name string, key outrigger.Serde[K], value outrigger.Serde[V],
) StoreView[K, V] {
	return StoreView[K, V]{d, name, key, value}
}

// Get returns the value of a key, and whether there is one.
func (s StoreView[K, V]) Get(key K) (V, bool) {
	s.driver.t.Helper()
	return first(s.read(&pb.ReadStoreRequest{Key: s.bytesOf(key)}))
}

// GetWindow returns the value of a key in the window that begins at start, in ms since the epoch.
func (s StoreView[K, V]) GetWindow(key K, start int64) (V, bool) {
	s.driver.t.Helper()
	return first(s.read(&pb.ReadStoreRequest{Key: s.bytesOf(key), WindowStart: &start}))
}

// Timestamp is that of a key's value in a timestamped store, in ms.
func (s StoreView[K, V]) Timestamp(key K) (timestamp int64, ok bool) {
	s.driver.t.Helper()
	entries := s.entries(&pb.ReadStoreRequest{Key: s.bytesOf(key)})
	if len(entries) == 0 || entries[0].Timestamp == nil {
		return 0, false
	}
	return *entries[0].Timestamp, true
}

// Windows returns every window of a key, in order.
func (s StoreView[K, V]) Windows(key K) []Entry[K, V] {
	s.driver.t.Helper()
	return s.read(&pb.ReadStoreRequest{Key: s.bytesOf(key)})
}

// All returns every entry, by partition and key.
func (s StoreView[K, V]) All() []Entry[K, V] {
	s.driver.t.Helper()
	return s.read(&pb.ReadStoreRequest{})
}

func (s StoreView[K, V]) bytesOf(key K) []byte {
	s.driver.t.Helper()
	data, err := s.key.Serialize(key)
	s.driver.must(err)
	return data
}

func (s StoreView[K, V]) entries(asked *pb.ReadStoreRequest) []*pb.StoreEntry {
	s.driver.t.Helper()
	asked.Store = s.name
	answer := &pb.ReadStoreResponse{}
	s.driver.must(s.driver.call("ReadStore", asked, answer))
	return answer.Entries
}

func (s StoreView[K, V]) read(asked *pb.ReadStoreRequest) []Entry[K, V] {
	s.driver.t.Helper()
	var found []Entry[K, V]
	for _, entry := range s.entries(asked) {
		key, err := s.key.Deserialize(entry.Key)
		s.driver.must(err)
		value, err := s.value.Deserialize(entry.Value)
		s.driver.must(err)
		found = append(found, Entry[K, V]{key, entry.GetWindowStart(), value})
	}
	return found
}

func first[K, V any](found []Entry[K, V]) (value V, ok bool) {
	if len(found) == 0 {
		return value, false
	}
	return found[0].Value, true
}
