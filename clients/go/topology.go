package outrigger

import (
	"fmt"
	"slices"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// nodeCode is what a node does with one record. An error fails the record.
type nodeCode func(record anyRecord, emitter *emitter) error

// fireCode is what a node does when a clock calls it.
type fireCode func(record anyRecord, told firing, emitter *emitter) error

// node runs here, or is a sink; built-in nodes run in the sidecar.
type node struct {
	name     string
	children []string
	// How the records that reach this node are read where it is a stage's entry, and written where it is
	// none of the stage's nodes.
	key, value erased
	// nil for nodes that never run here.
	code nodeCode
	// Set for a sink: how it writes.
	isSink bool
	// Set for a hook: its serdes are how its requests are written and read.
	isHook bool
	// Whether its code may ask for hooks.
	asks bool
	// nil where no clock calls it.
	fire      fireCode
	hasTimers bool
	// The stores that the node's context opens.
	stores []string
	// The store of an aggregate that runs here.
	aggregates string
}

// topology is what is declared to the sidecar, under construction.
type topology struct {
	nodes    map[string]*node
	declared []*pb.Node
	hooks    []*pb.Node
	stores   []*pb.Store
	// The default serdes of the application, as Serde[T] of any T.
	defaultKeys, defaultValues []any
	// Of the sidecar's protocol: an older one would leave timers out without a word.
	minorNeeded uint32
	// What was wrong first: told by Run, so that building needs no errors.
	fault error
}

// add puts a node under its parents; a name is made from the order where none was given.
func (t *topology) add(
	kind string, parents []string, declared *pb.Node, added *node, o options,
) string {
	added.name = o.name
	if added.name == "" {
		added.name = fmt.Sprintf("%s-%02d", kind, len(t.nodes)+1)
	}
	if t.nodes[added.name] != nil {
		t.fail("two nodes are named %q: give one another name", added.name)
		return added.name
	}
	declared.Name = added.name
	if o.policy != nil {
		t.addPolicy(declared, o.policy)
	}
	declared.Parents = parents
	for _, parent := range parents {
		t.nodes[parent].children = append(t.nodes[parent].children, added.name)
	}
	t.declared = append(t.declared, declared)
	t.nodes[added.name] = added
	return added.name
}

func (t *topology) addPolicy(declared *pb.Node, policy *FailurePolicy) {
	wire, err := policy.onWire()
	if err != nil {
		t.fail("the failure policy of %q has %w", declared.Name, err)
		return
	}
	switch kind := declared.Kind.(type) {
	case *pb.Node_Hook:
		kind.Hook.FailurePolicy = wire
		return
	case *pb.Node_Function:
		kind.Function.FailurePolicy = wire
		return
	case *pb.Node_Aggregate:
		if kind.Aggregate.Aggregator == pb.Aggregator_AGGREGATOR_APPLICATION {
			kind.Aggregate.FailurePolicy = wire
			return
		}
	}
	t.fail("%q has no code of yours: a failure policy is for nodes with code, such as Process, Map, "+
		"Aggregate and AfterCommit", declared.Name)
}

func (t *topology) addStore(store *pb.Store) {
	if store.TtlMs < 0 {
		t.fail("the store %q has a time to live that is no whole number of ms above 0", store.Name)
	}
	for _, known := range t.stores {
		if known.Name != store.Name {
			continue
		}
		if known.Kind != store.Kind || known.TtlMs != store.TtlMs {
			t.fail("the store %q is declared as two kinds: give one another name", store.Name)
		}
		return
	}
	t.stores = append(t.stores, store)
}

// storeName stays the same as long as the order of the calls does.
func (t *topology) storeName(given, what string) string {
	if given != "" {
		return given
	}
	return fmt.Sprintf("%s-store-%02d", what, len(t.stores)+1)
}

func (t *topology) build() *pb.Topology {
	nodes := slices.Clone(t.declared)
	for _, hook := range t.hooks {
		nodes = append(nodes, &pb.Node{Name: hook.Name, Parents: t.asking(), Kind: hook.Kind})
	}
	return &pb.Topology{Nodes: nodes, Stores: t.stores}
}

// problem is what Run returns for a topology that cannot run.
func (t *topology) problem() error {
	if len(t.hooks) > 0 && len(t.asking()) == 0 {
		t.fail("nothing can ask for the hook %q: declare a Process that does", t.hooks[0].Name)
	}
	return t.fault
}

func (t *topology) fail(format string, args ...any) {
	if t.fault == nil {
		t.fault = fmt.Errorf(format, args...)
	}
}
