package outrigger

import pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"

// outputOverhead are bytes that an output, or a header, takes besides its key and value, at most.
const outputOverhead = 40

// outputs are the columns of the message, filled row by row.
type outputs struct {
	message pb.Outputs
	// Never less than what the message will take.
	bytes int
	// How many outputs stand before the first with a timestamp of its own.
	inherited int
	hasSinks  bool
}

// mark is a place to come back to.
type mark struct{ count, bytes, nullKeys, nullValues, headers int }

// reserve makes room for so many outputs; there may be more.
func (o *outputs) reserve(count int) {
	m := &o.message
	m.Inputs, m.Sinks = make([]uint32, 0, count), make([]uint32, 0, count)
	m.Keys, m.Values = make([][]byte, 0, count), make([][]byte, 0, count)
	m.Timestamps = make([]int64, 0, count)
}

func (o *outputs) count() int { return len(o.message.Inputs) }

// add takes headers of nil for the input's; none at all is an empty list.
func (o *outputs) add(
	row int, sink uint32, key, value []byte, timestamp, inputTimestamp int64, headers []Header,
) {
	m := &o.message
	index := uint32(len(m.Inputs))
	if key == nil {
		m.NullKeys = append(m.NullKeys, index)
	}
	if value == nil {
		m.NullValues = append(m.NullValues, index)
	}
	if headers != nil {
		m.Headers = append(m.Headers, headersOf(index, headers))
		for _, h := range headers {
			o.bytes += len(h.Key) + len(h.Value) + outputOverhead
		}
	}
	if timestamp == inputTimestamp && o.inherited == int(index) {
		o.inherited++
	}
	o.hasSinks = o.hasSinks || sink != 0
	m.Inputs = append(m.Inputs, uint32(row))
	m.Sinks = append(m.Sinks, sink)
	m.Keys = append(m.Keys, key)
	m.Values = append(m.Values, value)
	m.Timestamps = append(m.Timestamps, timestamp)
	o.bytes += len(key) + len(value) + outputOverhead
}

func (o *outputs) mark() mark {
	m := &o.message
	return mark{len(m.Inputs), o.bytes, len(m.NullKeys), len(m.NullValues), len(m.Headers)}
}

// truncate forgets everything since the mark: its record failed.
func (o *outputs) truncate(to mark) {
	m := &o.message
	o.bytes = to.bytes
	o.inherited = min(o.inherited, to.count)
	m.Inputs, m.Sinks = m.Inputs[:to.count], m.Sinks[:to.count]
	m.Keys, m.Values = m.Keys[:to.count], m.Values[:to.count]
	m.Timestamps = m.Timestamps[:to.count]
	m.NullKeys, m.NullValues = m.NullKeys[:to.nullKeys], m.NullValues[:to.nullValues]
	m.Headers = m.Headers[:to.headers]
}

// finish leaves out the columns that say nothing.
func (o *outputs) finish() *pb.Outputs {
	if !o.hasSinks {
		o.message.Sinks = nil
	}
	if o.inherited == o.count() {
		o.message.Timestamps = nil
	}
	return &o.message
}

func headersOf(row uint32, headers []Header) *pb.RowHeaders {
	listed := &pb.RowHeaders{Row: row, Headers: make([]*pb.Header, len(headers))}
	for i, h := range headers {
		listed.Headers[i] = &pb.Header{Key: h.Key, Value: h.Value}
	}
	return listed
}
