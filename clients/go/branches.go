package outrigger

import (
	"fmt"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// BranchedKStream parts a stream: each record goes to the first branch whose predicate is true, else to
// the default branch, else nowhere.
type BranchedKStream[K, V any] struct {
	split    KStream[K, V]
	branches *branches[K, V]
}

type branches[K, V any] struct {
	predicates []func(record Record[K, V]) (bool, error)
	hasDefault bool
}

// Split begins to part the stream.
func (s KStream[K, V]) Split(opts ...Option) BranchedKStream[K, V] {
	b := &branches[K, V]{}
	f := function{pb.Operation_OPERATION_BRANCH, b.code, true, true, nil}
	return BranchedKStream[K, V]{declare[K, V, K, V](s, f, opts), b}
}

// Branch takes the records of which the predicate is true, and no branch before it took. Named gives its
// node the name `<split>-<name>`.
func (b BranchedKStream[K, V]) Branch(
	predicate func(record Record[K, V]) (bool, error), opts ...Option,
) KStream[K, V] {
	if b.branches.hasDefault {
		b.split.app.topology.fail("%q has a branch behind its default branch", b.split.nodes[0])
	}
	b.branches.predicates = append(b.branches.predicates, predicate)
	return b.add(len(b.branches.predicates), opts)
}

// DefaultBranch takes the records that no branch took. Without it, they end here.
func (b BranchedKStream[K, V]) DefaultBranch(opts ...Option) KStream[K, V] {
	if b.branches.hasDefault {
		b.split.app.topology.fail("%q has two default branches", b.split.nodes[0])
	}
	b.branches.hasDefault = true
	return b.add(0, opts)
}

// add gives a branch a node that lets its records through.
func (b BranchedKStream[K, V]) add(position int, opts []Option) KStream[K, V] {
	name := optionsOf(opts).name
	if name == "" {
		name = fmt.Sprint(position)
	}
	through := func(record anyRecord, e *emitter) error { return e.forward(record) }
	f := function{pb.Operation_OPERATION_PEEK, through, true, true, nil}
	opts = append(opts[:len(opts):len(opts)], Named(b.split.nodes[0]+"-"+name))
	return declare[K, V, K, V](b.split, f, opts)
}

// code hands a record to one of the children, which are the branches in their order.
func (b *branches[K, V]) code(record anyRecord, e *emitter) error {
	given := typed[K, V](record)
	for i, predicate := range b.predicates {
		takes, err := predicate(given)
		if err != nil {
			return err
		}
		if takes {
			return e.children[i].run(record)
		}
	}
	if b.hasDefault {
		return e.children[len(b.predicates)].run(record)
	}
	return nil
}
