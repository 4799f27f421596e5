package outrigger

import (
	"bytes"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// pieceBytes is the size of what keys and values share: one that the application keeps holds so much, and
// not the whole frame.
const pieceBytes = 512

// decodeFrame reads a frame. Batches as sidecars write them are read by hand, in few allocations; whatever
// is otherwise in any way is left to the generated code, which alone says what is no frame.
func decodeFrame(data []byte, into *pb.ProcessResponse) error {
	w := wire{data: data}
	if field, kind, ok := w.tag(); ok && field == 3 && kind == delimited {
		if inner, ok := w.bytes(); ok && len(w.data) == 0 {
			batch := &pb.Batch{}
			if readBatch(inner, batch) {
				into.Frame = &pb.ProcessResponse_Batch{Batch: batch}
				return nil
			}
		}
	}
	return proto.Unmarshal(data, into)
}

const (
	varint    = 0
	delimited = 2
)

// wire is what is left of a message.
type wire struct{ data []byte }

func (w *wire) varint() (uint64, bool) {
	if len(w.data) > 0 && w.data[0] < 0x80 {
		value := w.data[0]
		w.data = w.data[1:]
		return uint64(value), true
	}
	var value uint64
	for i, b := range w.data {
		// Ten bytes, of which the last has but the highest bit, are left to the generated code.
		if i == 9 {
			return 0, false
		}
		value |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			w.data = w.data[i+1:]
			return value, true
		}
	}
	return 0, false
}

func (w *wire) tag() (field, kind int, ok bool) {
	tag, ok := w.varint()
	return int(tag >> 3), int(tag & 7), ok && tag>>3 > 0 && tag>>3 < 1<<10
}

func (w *wire) bytes() ([]byte, bool) {
	length, ok := w.varint()
	if !ok || length > uint64(len(w.data)) {
		return nil, false
	}
	content := w.data[:length]
	w.data = w.data[length:]
	return content, true
}

// eachField hands each field of a message to one of two, in order, until that refuses it; it refuses what
// has another wire type, or is cut off.
func eachField(
	data []byte,
	number func(field int, value uint64) bool,
	content func(field int, content []byte) bool,
) bool {
	w := wire{data}
	for len(w.data) > 0 {
		field, kind, ok := w.tag()
		if !ok {
			return false
		}
		switch kind {
		case varint:
			value, read := w.varint()
			ok = read && number(field, value)
		case delimited:
			bytes, read := w.bytes()
			ok = read && content(field, bytes)
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return true
}

func readBatch(data []byte, batch *pb.Batch) bool {
	number := func(field int, value uint64) bool { return readBatchNumber(batch, field, value) }
	return eachField(data, number, func(field int, content []byte) (ok bool) {
		switch field {
		case 3:
			if !utf8.Valid(content) {
				return false
			}
			batch.TaskId, ok = string(content), true
		case 5:
			segment := &pb.Segment{}
			ok = readSegment(content, segment)
			batch.Segments = append(batch.Segments, segment)
		case 6:
			state := &pb.StateColumns{}
			ok = readState(content, state)
			batch.States = append(batch.States, state)
		}
		return ok
	})
}

func readBatchNumber(batch *pb.Batch, field int, value uint64) bool {
	switch field {
	case 1:
		batch.DispatchId = value
	case 2:
		batch.TaskEpoch = uint32(value)
	case 4:
		batch.Stage = uint32(value)
	case 7:
		batch.ProcessingTimeoutMs = uint32(value)
	default:
		return false
	}
	return true
}

func readSegment(data []byte, s *pb.Segment) bool {
	keys, values, ok := countsOf(data, 5, 6)
	if !ok {
		return false
	}
	s.Keys, s.Values = columnFor(keys), columnFor(values)
	pieces := pieces{}
	number := func(field int, value uint64) bool { return readSegmentNumber(s, field, value) }
	return eachField(data, number, func(field int, content []byte) (ok bool) {
		switch field {
		case 5:
			s.Keys, ok = append(s.Keys, pieces.copyOf(content)), true
		case 6:
			s.Values, ok = append(s.Values, pieces.copyOf(content)), true
		case 7:
			s.OffsetDeltas, ok = packed(s.OffsetDeltas, content, zigzag32)
		case 8:
			s.TimestampDeltas, ok = packed(s.TimestampDeltas, content, zigzag32)
		case 9:
			s.NullKeys, ok = packed(s.NullKeys, content, plain[uint32])
		case 10:
			s.NullValues, ok = packed(s.NullValues, content, plain[uint32])
		case 11:
			headers := &pb.RowHeaders{}
			ok = proto.Unmarshal(content, headers) == nil
			s.Headers = append(s.Headers, headers)
		}
		return ok
	})
}

func readSegmentNumber(s *pb.Segment, field int, value uint64) bool {
	switch field {
	case 1:
		s.Source = uint32(value)
	case 2:
		s.Partition = int32(value)
	case 3:
		s.BaseOffset = int64(value)
	case 4:
		s.BaseTimestamp = zigzag64(value)
	default:
		return false
	}
	return true
}

func readState(data []byte, s *pb.StateColumns) bool {
	values, _, ok := countsOf(data, 2, 0)
	if !ok {
		return false
	}
	s.Values = columnFor(values)
	pieces := pieces{}
	number := func(field int, value uint64) bool { return readStateNumber(s, field, value) }
	return eachField(data, number, func(field int, content []byte) (ok bool) {
		switch field {
		case 2:
			s.Values, ok = append(s.Values, pieces.copyOf(content)), true
		case 3:
			s.Absent, ok = packed(s.Absent, content, plain[uint32])
		case 4:
			s.Slots, ok = packed(s.Slots, content, plain[uint32])
		case 5:
			s.SlotCounts, ok = packed(s.SlotCounts, content, plain[uint32])
		case 8:
			s.WindowSteps, ok = packed(s.WindowSteps, content, zigzag32)
		case 9:
			s.WindowStarts, ok = packed(s.WindowStarts, content, zigzag64)
		case 10:
			s.SessionLengths, ok = packed(s.SessionLengths, content, plain[uint64])
		}
		return ok
	})
}

func readStateNumber(s *pb.StateColumns, field int, value uint64) bool {
	switch field {
	case 1:
		s.Store = uint32(value)
	case 6:
		s.WindowBase = zigzag64(value)
	case 7:
		s.WindowUnitMs = value
	default:
		return false
	}
	return true
}

// countsOf is how often two fields come in a message.
func countsOf(data []byte, one, other int) (ones, others int, ok bool) {
	number := func(int, uint64) bool { return true }
	ok = eachField(data, number, func(field int, _ []byte) bool {
		switch field {
		case one:
			ones++
		case other:
			others++
		}
		return true
	})
	return ones, others, ok
}

func columnFor(count int) [][]byte {
	if count == 0 {
		return nil
	}
	return make([][]byte, 0, count)
}

// pieces are where copies of small byte strings go, several to an allocation.
type pieces struct{ free []byte }

func (p *pieces) copyOf(content []byte) []byte {
	size := len(content)
	if size > pieceBytes/2 {
		return bytes.Clone(content)
	}
	if size > len(p.free) {
		p.free = make([]byte, pieceBytes)
	}
	// Whoever appends to it must not reach its neighbour.
	piece := p.free[:size:size]
	p.free = p.free[size:]
	copy(piece, content)
	return piece
}

// packed are the numbers of a packed field, behind those that there are.
func packed[T any](before []T, content []byte, numberOf func(uint64) T) ([]T, bool) {
	count := 0
	for _, b := range content {
		if b < 0x80 {
			count++
		}
	}
	numbers := make([]T, len(before), len(before)+count)
	copy(numbers, before)
	w := wire{content}
	for len(w.data) > 0 {
		value, ok := w.varint()
		if !ok {
			return nil, false
		}
		numbers = append(numbers, numberOf(value))
	}
	return numbers, true
}

func plain[T uint32 | uint64](value uint64) T { return T(value) }

func zigzag32(value uint64) int32 {
	bits := uint32(value)
	return int32(bits>>1) ^ -int32(bits&1)
}

func zigzag64(value uint64) int64 { return int64(value>>1) ^ -int64(value&1) }
