package outrigger

import (
	"fmt"
	"reflect"
)

// emitter is one node of a stage within one batch: it runs its code, and its children after it; or it
// writes, to a node that is not of the stage.
type emitter struct {
	node      *node
	batch     *batchRun
	children  []*emitter
	isWritten bool
	sink      uint32
}

// emitter is the one of a node that runs here.
func (b *batchRun) emitter(name string) (*emitter, error) {
	if known := b.emitters[name]; known != nil {
		return known, nil
	}
	n := b.stage.nodes[name]
	if n == nil || n.code == nil {
		return nil, fmt.Errorf("the sidecar's stage has a node %q, which does not run here", name)
	}
	e := &emitter{node: n, batch: b}
	b.emitters[name] = e
	for _, child := range n.children {
		below, err := b.childEmitter(child)
		if err != nil {
			return nil, err
		}
		e.children = append(e.children, below)
	}
	return e, nil
}

// childEmitter writes where the stage says so, whether the node has code or not: that of another stage.
func (b *batchRun) childEmitter(name string) (*emitter, error) {
	if index, isSink := b.sinkIndex(name); isSink {
		return &emitter{node: b.stage.nodes[name], batch: b, isWritten: true, sink: index}, nil
	}
	return b.emitter(name)
}

// run hands a record to this node.
func (e *emitter) run(record anyRecord) error {
	before := e.batch.at
	e.batch.at = e.node
	var err error
	if e.isWritten {
		err = e.write(e.node, e.sink, record)
	} else {
		err = e.node.code(record, e)
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

// isNullable says whether a type has a value that isNull.
func isNullable[T any]() bool {
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	default:
		return false
	}
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
