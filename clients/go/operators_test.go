package outrigger

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// outputsOf are the outputs of a result as `row>sink key=value`.
func outputsOf(result *pb.BatchResult) []string {
	o := result.GetOutputs()
	shown := []string{}
	for i, row := range o.GetInputs() {
		sink := uint32(0)
		if len(o.Sinks) > 0 {
			sink = o.Sinks[i]
		}
		value := string(o.Values[i])
		if slices.Contains(o.NullValues, uint32(i)) {
			value = "null"
		}
		shown = append(shown, fmt.Sprintf("%d>%d %s=%s", row, sink, o.Keys[i], value))
	}
	return shown
}

func equal(t *testing.T, got, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Fatalf("got    %#v\nwanted %#v", got, wanted)
	}
}

// saidByRun is what Run says of a topology.
func saidByRun(t *testing.T, app *App, wanted string) {
	t.Helper()
	app.config.Address = "unix:/nowhere"
	ended, end := context.WithCancel(t.Context())
	end()
	if err := app.Run(ended); err == nil || !strings.Contains(err.Error(), wanted) {
		t.Fatalf("it says %v, and not %q", err, wanted)
	}
}

func (t *topology) declaredAs(name string) *pb.Node {
	for _, one := range t.build().Nodes {
		if one.Name == name {
			return one
		}
	}
	return nil
}

func upper(value string) (string, error) { return strings.ToUpper(value), nil }

func TestEachOperationForwardsWhatKafkaStreamsWould(t *testing.T) {
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"}).
		FilterNot(func(r Record[string, string]) (bool, error) { return r.Key == "drop", nil }, Named("not")).
		Peek(func(r Record[string, string]) error { return nil }, Named("peek"))
	selected := SelectKey(in, func(r Record[string, string]) (string, error) {
		return r.Key + "!", nil
	}, Named("select"))
	flat := FlatMapValues(selected, func(value string) ([]string, error) {
		return []string{value, value + value}, nil
	}, Named("values"))
	both := FlatMap(flat, func(r Record[string, string]) ([]KeyValue[string, string], error) {
		return []KeyValue[string, string]{{r.Key, r.Value}, {r.Value, r.Key}}, nil
	}, Named("flat"))
	ProcessValues(both, func(ctx *FixedKeyContext[string], r Record[string, string]) error {
		ctx.Forward(r.Value+"?", WithTimestamp(7))
		return nil
	}, Named("process")).To("out", UTF8, UTF8, Named("out"))

	operations := []pb.Operation{}
	for _, declared := range app.topology.build().Nodes {
		if f := declared.GetFunction(); f != nil {
			operations = append(operations, f.Operation)
		}
	}
	equal(t, operations, []pb.Operation{
		pb.Operation_OPERATION_FILTER, pb.Operation_OPERATION_PEEK, pb.Operation_OPERATION_SELECT_KEY,
		pb.Operation_OPERATION_FLAT_MAP_VALUES, pb.Operation_OPERATION_FLAT_MAP,
		pb.Operation_OPERATION_PROCESS_VALUES,
	})
	f := newFake(app, &pb.Stage{Entries: []string{"not"}, Sinks: []string{"out"}})
	f.batch(1, "drop", "a")
	result := f.result(t)
	equal(t, outputsOf(result), []string{"1>0 a!=a?", "1>0 a=a!?", "1>0 a!=aa?", "1>0 aa=a!?"})
	equal(t, result.Outputs.Timestamps, []int64{7, 7, 7, 7})
}

func TestAHookIsNotAskedForByCodeThatKeepsTheKey(t *testing.T) {
	app := New(Config{})
	receipt := AfterCommit(app, "receipt", UTF8, UTF8, notYet)
	in := Stream(app, UTF8, UTF8, []string{"in"})
	Process(in, func(*Context[string, string], Record[string, string]) error { return nil }, Named("p"))
	ProcessValues(in, func(ctx *FixedKeyContext[string], r Record[string, string]) error {
		receipt.AfterCommit(ctx, r.Value)
		return nil
	}, Named("v"))
	equal(t, app.topology.declaredAs("receipt").Parents, []string{"p"})
	f := newFake(app, &pb.Stage{Entries: []string{"p", "v"}, Sinks: []string{"receipt"}})
	f.batch(1, "a")
	if failure := f.result(t).Failure; !strings.Contains(failure.GetMessage(), `"v" cannot ask`) {
		t.Fatal(failure)
	}
}

func TestARecordGoesToTheFirstBranchThatTakesIt(t *testing.T) {
	app := New(Config{})
	begins := func(prefix string) func(Record[string, string]) (bool, error) {
		return func(r Record[string, string]) (bool, error) { return strings.HasPrefix(r.Key, prefix), nil }
	}
	split := Stream(app, UTF8, UTF8, []string{"in"}).Split(Named("split"))
	split.Branch(begins("ab"), Named("ab")).To("ab", UTF8, UTF8, Named("to-ab"))
	split.Branch(begins("a")).To("a", UTF8, UTF8, Named("to-a"))
	rest := split.DefaultBranch()
	last := rest.Split(Named("last"))
	last.Branch(begins("b")).To("b", UTF8, UTF8, Named("to-b"))
	for name, parent := range map[string]string{
		"split-ab": "split", "split-1": "", "split-2": "split", "split-0": "split",
		"last": "split-0", "last-1": "last",
	} {
		if declared := app.topology.declaredAs(name); parent == "" {
			equal(t, declared, (*pb.Node)(nil))
		} else {
			equal(t, declared.GetParents(), []string{parent})
		}
	}
	f := newFake(app, &pb.Stage{Entries: []string{"split"}, Sinks: []string{"to-ab", "to-a", "to-b"}})
	f.batch(1, "b", "abc", "c", "ac")
	equal(t, outputsOf(f.result(t)), []string{"0>2 b=b", "1>0 abc=abc", "3>1 ac=ac"})
}

func TestNoBranchComesBehindTheDefaultOne(t *testing.T) {
	for _, again := range []func(b BranchedKStream[string, string]){
		func(b BranchedKStream[string, string]) { b.DefaultBranch(Named("other")) },
		func(b BranchedKStream[string, string]) { b.Branch(nil) },
	} {
		app := New(Config{})
		split := Stream(app, UTF8, UTF8, []string{"in"}).Split(Named("split"))
		split.DefaultBranch()
		again(split)
		saidByRun(t, app, "default branch")
	}
}

func TestWhatFollowsAMergeHasSeveralParentsAndIsOneNode(t *testing.T) {
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"}, Named("in"))
	other := Stream(app, UTF8, UTF8, []string{"other"}, Named("other"))
	one := MapValues(in, upper, Named("one"))
	two := in.Peek(func(Record[string, string]) error { return nil }, Named("two"))
	calls := 0
	merged := MapValues(one.Merge(two).Merge(other), func(value string) (string, error) {
		calls++
		return fmt.Sprint(value, calls), nil
	}, Named("merged"))
	merged.Merge(one).To("out", UTF8, UTF8, Named("out"))
	equal(t, app.topology.declaredAs("merged").Parents, []string{"one", "two", "other"})
	equal(t, app.topology.declaredAs("out").Parents, []string{"merged", "one"})

	stage := &pb.Stage{Entries: []string{"one", "two"}, Sinks: []string{"out"}}
	f := newFake(app, stage)
	f.batch(1, "a")
	equal(t, outputsOf(f.result(t)), []string{"0>0 a=A1", "0>0 a=A", "0>0 a=a2"})
	b, err := newBatchRun(t.Context(), &stageScope{nodes: app.topology.nodes, stage: stage}, &pb.Batch{}, nil)
	if err != nil || b.entries[0].children[0] != b.entries[1].children[0] {
		t.Fatal("the merged node is run by two emitters", err)
	}
}

func TestStreamsThatDoNotFitAreNotMerged(t *testing.T) {
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"})
	in.Merge(Stream(app, UTF8, JSON[string](), []string{"json"})).To("out", UTF8, UTF8)
	saidByRun(t, app, "the values of")

	app = New(Config{})
	in = Stream(app, UTF8, UTF8, []string{"in"}, Named("in"))
	in.Merge(in)
	saidByRun(t, app, `"in" is merged with itself`)

	app = New(Config{})
	Stream(app, UTF8, UTF8, []string{"in"}).Merge(Stream(New(Config{}), UTF8, UTF8, []string{"in"}))
	saidByRun(t, app, "another application")
}

func TestAStageWritesToWhateverIsNamedAmongItsSinksWithThatNodesSerdes(t *testing.T) {
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"})
	number := MapValues(in, func(value string) (int64, error) { return int64(len(value)), nil }, Named("length"))
	grouped := number.GroupByKey(WithSerdes(UTF8, Int64))
	Sum[int64](grouped, Named("sum")).To("sums", UTF8, Int64)
	// Code that runs here, but in another stage: of the same grouping, and so with its serdes.
	Aggregate(grouped, func() int64 { return 0 }, func(_ string, value, sum int64) (int64, error) {
		t.Error("the fold ran")
		return value + sum, nil
	}, Int64, Named("fold"))
	number.Repartition(Named("moved"), WithSerdes(UTF8, JSON[int64]()), WithPartitions(3))
	equal(t, app.topology.declaredAs("moved").GetRepartition().GetPartitions(), int32(3))
	f := newFake(app, &pb.Stage{Entries: []string{"length"}, Sinks: []string{"moved", "sum", "fold"}})
	f.batch(1, "ab")
	two := "\x00\x00\x00\x00\x00\x00\x00\x02"
	equal(t, outputsOf(f.result(t)), []string{"0>1 ab=" + two, "0>2 ab=" + two, "0>0 ab=2"})
}

func TestAStageThatLeavesOutWhatItsNodesFeedIsNotFollowed(t *testing.T) {
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"})
	Count(MapValues(in, upper, Named("upper")).GroupByKey(WithSerdes(UTF8, UTF8)), Named("count"))
	f := newFake(app, &pb.Stage{Entries: []string{"upper"}})
	f.batch(1, "a")
	f.until(func() bool { return f.refusal != nil || len(f.frames) > 0 })
	if f.refusal == nil || !strings.Contains(f.refusal.Message, `"count"`) {
		t.Fatal(f.refusal, f.frames)
	}
}

// written is what the grouping's aggregate reads and writes of a key and a value.
func written[K, V any](g KGroupedStream[K, V], key K, value V) string {
	k, kErr := g.stream.key.serialize(key)
	v, vErr := g.stream.value.serialize(value)
	return fmt.Sprintf("%s %s %v %v", k, v, kErr, vErr)
}

func TestSerdesStayAsFarAsTheTypesDo(t *testing.T) {
	app := New(Config{})
	in := Stream(app, JSON[string](), JSON[string](), []string{"in"})
	json := `"k" "v" <nil> <nil>`
	equal(t, written(in.GroupByKey(), "k", "v"), json)
	kept := in.Filter(func(Record[string, string]) (bool, error) { return true, nil }).
		Peek(func(Record[string, string]) error { return nil }).Split().DefaultBranch()
	equal(t, written(kept.GroupByKey(), "k", "v"), json)
	other := Map(in, func(r Record[string, string]) (string, string, error) { return "", "", nil })
	equal(t, written(other.Merge(in).GroupByKey(), "k", "v"), json)

	WithDefaultSerdes(app, UTF8, UTF8)
	byDefault := func(s KStream[string, string], wanted string) {
		t.Helper()
		equal(t, written(s.GroupByKey(), "k", "v"), wanted+" <nil> <nil>")
	}
	byDefault(MapValues(in, upper), `"k" v`)
	byDefault(FlatMapValues(in, func(string) ([]string, error) { return nil, nil }), `"k" v`)
	byDefault(ProcessValues(in,
		func(*FixedKeyContext[string], Record[string, string]) error { return nil }), `"k" v`)
	byKey := func(r Record[string, string]) (string, error) { return r.Key, nil }
	byDefault(SelectKey(in, byKey), `k "v"`)
	byDefault(other, "k v")
	byDefault(in.Repartition(WithSerdes(UTF8, UTF8)), "k v")
	byDefault(other.Repartition(WithSerdes(JSON[string](), UTF8)), `"k" v`)
	byDefault(other.GroupByKey(WithSerdes(JSON[string](), UTF8)).stream, `"k" v`)
}

func TestSerdesThatNothingSaysAreMissed(t *testing.T) {
	swap := func(r Record[string, string]) (string, string, error) { return r.Value, r.Key, nil }
	sum := func(_, value, sum string) (string, error) { return sum + value, nil }
	for name, build := range map[string]func(in KStream[string, string]){
		"a count behind a map": func(in KStream[string, string]) { Count(Map(in, swap).GroupByKey()) },
		"a fold behind a map": func(in KStream[string, string]) {
			Aggregate(Map(in, swap).GroupByKey(), func() string { return "" }, sum, UTF8)
		},
		"a count behind mapped values": func(in KStream[string, string]) {
			Count(MapValues(in, upper).GroupByKey())
		},
		"what is reduced": func(in KStream[string, string]) {
			Reduce(MapValues(in, upper).GroupByKey(), func(a, b string) (string, error) { return a + b, nil })
		},
		"a repartition behind a map": func(in KStream[string, string]) { Map(in, swap).Repartition() },
		"serdes of other types":      func(in KStream[string, string]) { in.GroupByKey(WithSerdes(Int64, Int64)) },
	} {
		t.Run(name, func(t *testing.T) {
			app := New(Config{})
			build(Stream(app, UTF8, UTF8, []string{"in"}))
			saidByRun(t, app, "WithSerdes")
		})
	}
	// A fold that runs where its records come from needs none.
	app := New(Config{})
	in := Stream(app, UTF8, UTF8, []string{"in"})
	Aggregate(MapValues(in, upper).GroupByKey(), func() string { return "" }, sum, UTF8)
	if err := app.topology.problem(); err != nil {
		t.Fatal(err)
	}
}
