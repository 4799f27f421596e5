package outrigger

import (
	"context"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// asker asks the sidecar for what did not travel with the batch.
type asker func(ctx context.Context, question *pb.StateRequest) (*pb.StateResponse, error)

// mutationOverhead are bytes that a mutation takes besides its key and value, at most.
const mutationOverhead = 24

// write is a value that the batch has written; a nil value is a delete.
type write struct {
	value     []byte
	isWritten bool
}

// undo puts back what a record wrote, should it fail.
type undo struct {
	slot   int32 // -1: by key
	key    string
	before write
}

// batchState is one store within one batch: the values that travelled, what the batch has written
// since, and what was asked for. A key has one entry, whether it is named by slot or by its bytes.
type batchState struct {
	columns   *pb.StateColumns
	keys      [][]byte
	rowStarts []int32
	ask       asker
	// What the mutations will take in the result, at most.
	bytes       int
	bytesBefore int
	isAbsent    []bool
	bySlot      []write
	slotOrder   []int32
	byKey       map[string]write
	keyOrder    []string
	asked       map[string][]byte
	slotOfKey   map[string]int32
	undone      []undo
}

func newBatchState(columns *pb.StateColumns, keys [][]byte, ask asker) *batchState {
	s := &batchState{columns: columns, keys: keys, ask: ask}
	s.isAbsent = make([]bool, len(columns.Values))
	for _, slot := range columns.Absent {
		s.isAbsent[slot] = true
	}
	s.bySlot = make([]write, len(columns.Values))
	s.byKey = map[string]write{}
	s.asked = map[string][]byte{}
	s.rowStarts = make([]int32, len(keys)+1)
	for row := range keys {
		count := int32(1)
		if len(columns.SlotCounts) > 0 {
			count = int32(columns.SlotCounts[row])
		}
		s.rowStarts[row+1] = s.rowStarts[row] + count
	}
	return s
}

// slotCount is how many slots a row has; none for a record that came too late, or has no key.
func (s *batchState) slotCount(row int) int { return int(s.rowStarts[row+1] - s.rowStarts[row]) }

func (s *batchState) slot(row, which int) int32 {
	at := s.rowStarts[row] + int32(which)
	if len(s.columns.Slots) > 0 {
		return int32(s.columns.Slots[at])
	}
	return at
}

func (s *batchState) hasSlot(row int) bool { return s.rowStarts[row] < s.rowStarts[row+1] }

// windowStart is the start of a slot's window in ms.
func (s *batchState) windowStart(slot int32) int64 {
	c := s.columns
	if len(c.WindowStarts) > 0 {
		return c.WindowStarts[slot]
	}
	return c.WindowBase + int64(c.WindowSteps[slot])*int64(c.WindowUnitMs)
}

// sessionLength is the end of a slot's session minus its start, in ms.
func (s *batchState) sessionLength(slot int32) int64 {
	if len(s.columns.SessionLengths) == 0 {
		return 0
	}
	return int64(s.columns.SessionLengths[slot])
}

// getSlot is nil where there is no value.
func (s *batchState) getSlot(slot int32) []byte {
	if w := s.bySlot[slot]; w.isWritten {
		return w.value
	}
	if s.isAbsent[slot] {
		return nil
	}
	return present(s.columns.Values[slot])
}

func (s *batchState) putSlot(slot int32, value []byte) {
	before := s.bySlot[slot]
	s.undone = append(s.undone, undo{slot: slot, before: before})
	if !before.isWritten {
		s.slotOrder = append(s.slotOrder, slot)
	}
	s.bySlot[slot] = write{value, true}
	s.count(value, before, 0)
}

func (s *batchState) getKey(ctx context.Context, key []byte) ([]byte, error) {
	if slot, ok := s.slotFor(key); ok {
		return s.getSlot(slot), nil
	}
	if w, ok := s.byKey[string(key)]; ok {
		return w.value, nil
	}
	if known, ok := s.asked[string(key)]; ok {
		return known, nil
	}
	answer, err := s.ask(ctx, &pb.StateRequest{Store: s.columns.Store, Keys: [][]byte{key}})
	if err != nil {
		return nil, err
	}
	var found []byte
	if len(answer.Absent) == 0 && len(answer.Values) > 0 {
		found = present(answer.Values[0])
	}
	s.asked[string(key)] = found
	return found, nil
}

func (s *batchState) putKey(key, value []byte) {
	if slot, ok := s.slotFor(key); ok {
		s.putSlot(slot, value)
		return
	}
	name := string(key)
	before := s.byKey[name]
	s.undone = append(s.undone, undo{slot: -1, key: name, before: before})
	if !before.isWritten {
		s.keyOrder = append(s.keyOrder, name)
	}
	s.byKey[name] = write{value, true}
	s.count(value, before, len(key))
}

// page is a page of the range [first, end), with what the batch has written by now.
func (s *batchState) page(
	ctx context.Context, first, end []byte, reverse bool,
) (*pb.StateResponse, error) {
	return s.ask(ctx, &pb.StateRequest{
		Store:   s.columns.Store,
		Range:   &pb.KeyRange{From: first, To: end, Reverse: reverse},
		Written: s.mutations(),
	})
}

// keep says that the record is done: what it wrote stays.
func (s *batchState) keep() {
	s.undone = s.undone[:0]
	s.bytesBefore = s.bytes
}

// rollback says that the record failed: what it wrote never was.
func (s *batchState) rollback() {
	for i := len(s.undone) - 1; i >= 0; i-- {
		u := s.undone[i]
		switch {
		case u.slot >= 0:
			s.bySlot[u.slot] = u.before
			if !u.before.isWritten {
				s.slotOrder = s.slotOrder[:len(s.slotOrder)-1]
			}
		case u.before.isWritten:
			s.byKey[u.key] = u.before
		default:
			delete(s.byKey, u.key)
			s.keyOrder = s.keyOrder[:len(s.keyOrder)-1]
		}
	}
	s.undone = s.undone[:0]
	s.bytes = s.bytesBefore
}

// mutations are what the batch has changed; nil when nothing.
func (s *batchState) mutations() *pb.Mutations {
	if len(s.slotOrder) == 0 && len(s.keyOrder) == 0 {
		return nil
	}
	m := &pb.Mutations{Store: s.columns.Store}
	add := func(w write) {
		if w.value == nil {
			m.Deletes = append(m.Deletes, uint32(len(m.Values)))
		}
		m.Values = append(m.Values, w.value)
	}
	for _, slot := range s.slotOrder {
		m.Slots = append(m.Slots, uint32(slot))
		add(s.bySlot[slot])
	}
	for _, name := range s.keyOrder {
		m.Keys = append(m.Keys, []byte(name))
		add(s.byKey[name])
	}
	return m
}

func (s *batchState) count(value []byte, before write, keyBytes int) {
	s.bytes += len(value) - len(before.value)
	if !before.isWritten {
		s.bytes += mutationOverhead + keyBytes
	}
}

// slotFor finds a key's slot. Every row's key is indexed when somebody first asks by bytes.
func (s *batchState) slotFor(key []byte) (int32, bool) {
	if s.slotOfKey == nil {
		s.slotOfKey = make(map[string]int32, len(s.keys))
		for row, rowKey := range s.keys {
			if rowKey != nil && s.hasSlot(row) {
				s.slotOfKey[string(rowKey)] = s.slot(row, 0)
			}
		}
	}
	slot, ok := s.slotOfKey[string(key)]
	return slot, ok
}
