package outrigger

import (
	"context"
	"fmt"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// Hook runs once the record that asked for it has committed.
type Hook[P any] struct{ name string }

// AfterCommit declares a hook: its AfterCommit, called in a handler of Process, has it run once the
// transaction of the handler's record has committed, and never for a record that failed. It runs at least
// once for each request, in the order of the records of a partition. The request has the key, timestamp
// and headers of the record that asked, and the payload as its value; its IdempotencyKey is the same on
// every attempt. The context is cancelled when the request is taken away. The serdes are those of the
// requests; of the options, it takes a failure policy.
func AfterCommit[K, P any](
	app *App, name string, key Serde[K], payload Serde[P],
	handler func(ctx context.Context, request Record[K, P]) error, opts ...Option,
) Hook[P] {
	added := &node{name: name, key: erase(key), value: erase(payload), isHook: true}
	added.code = func(record anyRecord, e *emitter) error {
		return handler(e.batch.recordContext, typed[K, P](record))
	}
	declared := &pb.Node{Kind: &pb.Node_Hook{Hook: &pb.Hook{}}}
	app.topology.addHook(declared, added, optionsOf(opts))
	return Hook[P]{name}
}

// AfterCommit asks for the hook, in a handler of Process: an output of its record, undone with it. What
// goes wrong fails the record when the handler returns, whatever it returns.
func (h Hook[P]) AfterCommit(ctx StoreContext, payload P) {
	s, err := ctx.openScope()
	if err != nil {
		panic(err)
	}
	asked := s.record.with(s.record.key, payload)
	if s.emitter.batch.isTracing {
		asked.headers = withTraceContext(ctx, asked.headers)
	}
	if err := s.emitter.request(h.name, asked); err != nil && s.err == nil {
		s.err = failedAt(s.emitter.batch.at, err)
	}
}

func (e *emitter) request(hook string, asked anyRecord) error {
	n := e.batch.stage.nodes[hook]
	if n == nil || !n.isHook {
		return fmt.Errorf("there is no hook %q in this application: declare it with AfterCommit", hook)
	}
	index, isSink := e.batch.sinkIndex(hook)
	if !e.node.asks || !isSink {
		return fmt.Errorf("%q cannot ask for the hook %q: only the handler of a Process can", e.node.name, hook)
	}
	return e.write(n, index, asked)
}

// addHook puts a hook beside the rest: every Process may ask for it, so its parents are known at the end.
func (t *topology) addHook(declared *pb.Node, added *node, o options) {
	declared.Name = added.name
	if t.nodes[added.name] != nil {
		t.fail("two nodes are named %q: give one another name", added.name)
		return
	}
	if o.policy != nil {
		t.addPolicy(declared, o.policy)
	}
	t.hooks = append(t.hooks, declared)
	t.nodes[added.name] = added
}

// asking are the nodes whose code may ask for a hook.
func (t *topology) asking() []string {
	var names []string
	for _, declared := range t.declared {
		function := declared.GetFunction()
		if function.GetOperation() == pb.Operation_OPERATION_PROCESS {
			names = append(names, declared.Name)
		}
	}
	return names
}
