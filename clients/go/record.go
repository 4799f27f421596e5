package outrigger

import "fmt"

// Header is a header of a record; a nil value is null, which is not empty.
type Header struct {
	Key   string
	Value []byte
}

// Record is a record on its way through the topology.
type Record[K, V any] struct {
	Key   K
	Value V
	// Timestamp is in ms since the epoch.
	Timestamp int64
	// Headers are in order; duplicates are kept. Not to be written to.
	Headers []Header
	place   place
}

// Topic is that of the input record which caused this one.
func (r Record[K, V]) Topic() string { return r.place.origin.topic }

// Partition is that of the input record which caused this one.
func (r Record[K, V]) Partition() int32 { return r.place.origin.partition }

// Offset is that of the input record which caused this one.
func (r Record[K, V]) Offset() int64 { return r.place.offset() }

// IdempotencyKey is `<application.id>/<topic>-<partition>@<offset>`: the same on every attempt. Give
// it to whatever you call outside Kafka: that happens at least once.
func (r Record[K, V]) IdempotencyKey() string { return r.place.idempotencyKey() }

// origin is what the records of one partition in one batch share.
type origin struct {
	topic         string
	partition     int32
	baseOffset    int64
	offsetDeltas  []int32
	applicationID string
}

// place is where an input record stands; worked out only when asked for.
type place struct {
	origin *origin
	index  int
}

func (p place) offset() int64 {
	if len(p.origin.offsetDeltas) == 0 {
		return p.origin.baseOffset + int64(p.index)
	}
	return p.origin.baseOffset + int64(p.origin.offsetDeltas[p.index])
}

func (p place) idempotencyKey() string {
	o := p.origin
	return fmt.Sprintf("%s/%s-%d@%d", o.applicationID, o.topic, o.partition, p.offset())
}

// anyRecord is a record between nodes, whose types only the nodes know.
type anyRecord struct {
	key, value any
	timestamp  int64
	headers    []Header
	place      place
}

func (r anyRecord) with(key, value any) anyRecord {
	r.key, r.value = key, value
	return r
}

func typed[K, V any](r anyRecord) Record[K, V] {
	return Record[K, V]{as[K](r.key), as[V](r.value), r.timestamp, r.headers, r.place}
}
