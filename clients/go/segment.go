package outrigger

import (
	"fmt"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// segmentReader makes records of a segment's rows.
type segmentReader struct {
	segment *pb.Segment
	origin  *origin
	keys    [][]byte
	values  [][]byte
	headers map[int][]Header
}

func newSegmentReader(sources []string, applicationID string, s *pb.Segment) (*segmentReader, error) {
	if int(s.Source) >= len(sources) {
		return nil, fmt.Errorf("the sidecar's batch has no source %d", s.Source)
	}
	reader := &segmentReader{segment: s, keys: columnOf(s.Keys, s.NullKeys)}
	reader.values = columnOf(s.Values, s.NullValues)
	reader.origin = &origin{sources[s.Source], s.Partition, s.BaseOffset, s.OffsetDeltas, applicationID}
	if len(s.Headers) > 0 {
		reader.headers = make(map[int][]Header, len(s.Headers))
	}
	for _, listed := range s.Headers {
		headers := make([]Header, len(listed.Headers))
		for i, h := range listed.Headers {
			headers[i] = Header{h.Key, h.Value}
		}
		reader.headers[int(listed.Row)] = headers
	}
	return reader, nil
}

func (r *segmentReader) timestamp(index int) int64 {
	if len(r.segment.TimestampDeltas) == 0 {
		return r.segment.BaseTimestamp
	}
	return r.segment.BaseTimestamp + int64(r.segment.TimestampDeltas[index])
}

// headersAt is the same list for the same row, so that whoever forwards it forwards the input's.
func (r *segmentReader) headersAt(index int) []Header { return r.headers[index] }

func (r *segmentReader) record(index int, key, value erased) (anyRecord, error) {
	at := place{r.origin, index}
	record := anyRecord{timestamp: r.timestamp(index), headers: r.headersAt(index), place: at}
	var err error
	if record.key, err = key.deserialize(r.keys[index]); err != nil {
		return record, fmt.Errorf("the key of %s cannot be read: %w", at.idempotencyKey(), err)
	}
	if record.value, err = value.deserialize(r.values[index]); err != nil {
		return record, fmt.Errorf("the value of %s cannot be read: %w", at.idempotencyKey(), err)
	}
	return record, nil
}

// columnOf makes of a message's elements a column with nil for null, and an empty slice for what is empty.
func columnOf(column [][]byte, nulls []uint32) [][]byte {
	for i, element := range column {
		column[i] = present(element)
	}
	for _, row := range nulls {
		column[row] = nil
	}
	return column
}
