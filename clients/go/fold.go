package outrigger

// fold is how an aggregate of the application folds.
type fold struct {
	store string
	serde erased
	// The key of what is forwarded; nil over all time.
	windowed func(key any, window Window) any
	// The length of windows of time; sessions have one each.
	windowSizeMs int64
	isSession    bool
	// Whether records without a value are no news: over all time and in sliding windows, as Kafka Streams.
	skipsNull bool
	// next folds a record into an aggregate; into none yet where first is set.
	next func(key, value, aggregate any, first bool) (any, error)
	// merge folds one session's aggregate into another; into none yet where first is set.
	merge func(key, one, other any, first bool) (any, error)
}

// fold folds a record into each of its slots, and forwards each new value.
func (e *emitter) fold(record anyRecord, f *fold) error {
	if f.skipsNull && isNull(record.value) {
		return nil
	}
	state, err := e.batch.state(f.store)
	if err != nil {
		return err
	}
	if f.isSession {
		return e.foldSession(record, f, state)
	}
	count := state.slotCount(e.batch.row)
	for which := range count {
		slot := state.slot(e.batch.row, which)
		before, found, err := f.read(state, slot)
		if err != nil {
			return err
		}
		value, err := f.next(record.key, record.value, before, !found)
		if err != nil {
			return err
		}
		if err := e.keep(record, f, state, slot, value); err != nil {
			return err
		}
	}
	return nil
}

// foldSession merges the sessions that the record joins into the last slot, which is that of the whole.
func (e *emitter) foldSession(record anyRecord, f *fold, state *batchState) error {
	var aggregate any
	isFirst := true
	count := state.slotCount(e.batch.row)
	for which := range count {
		slot := state.slot(e.batch.row, which)
		value, found, err := f.read(state, slot)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if aggregate, err = f.merge(record.key, aggregate, value, isFirst); err != nil {
			return err
		}
		isFirst = false
		if which == count-1 {
			break
		}
		if err := e.keep(record, f, state, slot, nil); err != nil {
			return err
		}
	}
	if count == 0 {
		return nil
	}
	value, err := f.next(record.key, record.value, aggregate, isFirst)
	if err != nil {
		return err
	}
	return e.keep(record, f, state, state.slot(e.batch.row, count-1), value)
}

// keep puts a value into its slot, and forwards it under its window. Null deletes, and is forwarded.
func (e *emitter) keep(
	record anyRecord, f *fold, state *batchState, slot int32, value any,
) (err error) {
	var written []byte
	if !isNull(value) {
		if written, err = f.serde.serialize(value); err != nil {
			return err
		}
	}
	state.putSlot(slot, written)
	key := record.key
	if f.windowed != nil {
		start, length := state.windowStart(slot), f.windowSizeMs
		if f.isSession {
			length = state.sessionLength(slot)
		}
		key = f.windowed(key, Window{start, start + length})
		if f.isSession {
			// As Kafka Streams: at the session's end, and without the headers of any of its records.
			record.timestamp, record.headers = start+length, nil
		}
	}
	return e.forward(record.with(key, value))
}

// read says whether a slot has a value.
func (f *fold) read(state *batchState, slot int32) (value any, found bool, err error) {
	before := state.getSlot(slot)
	if before == nil {
		return nil, false, nil
	}
	value, err = f.serde.deserialize(before)
	return value, true, err
}
