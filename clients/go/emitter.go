package outrigger

import (
	"fmt"
	"reflect"
)

// emitter is one node of a stage within one batch: it runs its code, and its children after it.
type emitter struct {
	node     *node
	batch    *batchRun
	children []*emitter
	sink     uint32
}

// fold is how an aggregate folds.
type fold struct {
	store string
	// 0 folds over all time.
	windowSizeMs int64
	wrap         func(key any, window Window) any
	serde        erased
	initializer  func() any
	next         func(key, value, aggregate any) (any, error)
}

func newEmitter(name string, b *batchRun) (*emitter, error) {
	n := b.stage.nodes[name]
	if n == nil || (n.code == nil && !n.isSink) {
		return nil, fmt.Errorf("the sidecar's stage has a node %q, which does not run here", name)
	}
	e := &emitter{node: n, batch: b}
	if n.isSink {
		index, err := b.sinkIndex(name)
		if err != nil {
			return nil, err
		}
		e.sink = index
	}
	for _, child := range n.children {
		below, err := newEmitter(child, b)
		if err != nil {
			return nil, err
		}
		e.children = append(e.children, below)
	}
	return e, nil
}

// run hands a record to this node.
func (e *emitter) run(record anyRecord) error {
	before := e.batch.at
	e.batch.at = e.node
	var err error
	if e.node.code != nil {
		err = e.node.code(record, e)
	} else {
		err = e.write(e.node, e.sink, record)
	}
	e.batch.at = before
	if err != nil {
		return failedAt(e.node, err)
	}
	return nil
}

// forward hands a record to the children, depth first, in the order in which they were declared.
func (e *emitter) forward(record anyRecord) error {
	for _, child := range e.children {
		if err := child.run(record); err != nil {
			return err
		}
	}
	return nil
}

// fold folds a record into each of its slots, and forwards each new value.
func (e *emitter) fold(record anyRecord, f *fold) error {
	// As Kafka Streams: without windows a null value is no news. (Null keys have no slot.)
	if f.windowSizeMs == 0 && isNull(record.value) {
		return nil
	}
	state, err := e.batch.state(f.store)
	if err != nil {
		return err
	}
	for _, slot := range state.slotsOf(e.batch.row) {
		aggregate := any(nil)
		if before := state.getSlot(slot); before == nil {
			aggregate = f.initializer()
		} else if aggregate, err = f.serde.deserialize(before); err != nil {
			return err
		}
		value, err := f.next(record.key, record.value, aggregate)
		if err != nil {
			return err
		}
		written, err := f.serde.serialize(value)
		if err != nil {
			return err
		}
		state.putSlot(slot, written)
		key := record.key
		if f.windowSizeMs > 0 {
			start := state.windowStart(slot)
			key = f.wrap(record.key, Window{start, start + f.windowSizeMs})
		}
		if err := e.forward(record.with(key, value)); err != nil {
			return err
		}
	}
	return nil
}

// write adds a record to what the batch sends to a sink, or asks of a hook.
func (e *emitter) write(to *node, sink uint32, record anyRecord) error {
	key, err := to.key.serialize(record.key)
	if err != nil {
		return err
	}
	value, err := to.value.serialize(record.value)
	if err != nil {
		return err
	}
	headers := record.headers
	if isSameList(headers, e.batch.rowHeaders) {
		headers = nil
	} else if headers == nil {
		headers = []Header{}
	}
	e.batch.outputs.add(
		e.batch.row, sink, key, value, record.timestamp, e.batch.rowTimestamp, headers)
	return nil
}

// isSameList says whether two lists are one and the same: then headers are inherited.
func isSameList(a, b []Header) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func isNull(value any) bool {
	if value == nil {
		return true
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	default:
		return false
	}
}
