package outrigger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

var optional = Nullable(UTF8)

type optionalText = *string

// folded runs rows of the key k with a store's columns through an aggregate "fold" that is written to "out"
// with its own serdes. A value "null" is none.
func folded[K, V any](
	t *testing.T, build func(in KStream[string, optionalText]) KStream[K, V], columns *pb.StateColumns,
	values ...string,
) *pb.BatchResult {
	t.Helper()
	app := New(Config{})
	out := build(Stream(app, UTF8, optional, []string{"in"}))
	Count(out.GroupByKey(), Named("out"))
	if err := app.topology.problem(); err != nil {
		t.Fatal(err)
	}
	f := newFake(app, &pb.Stage{
		Entries: []string{"fold"}, Stores: []string{"store"}, Sinks: []string{"out"},
	})
	segment := &pb.Segment{BaseOffset: 10, BaseTimestamp: 1000}
	for row, value := range values {
		if value == "null" {
			segment.NullValues = append(segment.NullValues, uint32(row))
			value = ""
		}
		segment.Keys = append(segment.Keys, []byte("k"))
		segment.Values = append(segment.Values, []byte(value))
	}
	f.received(&pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: &pb.Batch{
		DispatchId: 1, TaskEpoch: 1, TaskId: "0_0", Segments: []*pb.Segment{segment},
		States: []*pb.StateColumns{columns},
	}}})
	return f.result(t)
}

// stored are the mutations of a result, by slot.
func stored(result *pb.BatchResult) map[uint32]string {
	found := map[uint32]string{}
	for _, m := range result.Mutations {
		for i, slot := range m.Slots {
			found[slot] = string(m.Values[i])
		}
		for _, i := range m.Deletes {
			found[m.Slots[i]] = "deleted"
		}
	}
	return found
}

// at is a key of a window as it is on the wire; by hand, so that it is no serde of ours.
func at(bounds ...byte) string {
	key := "k"
	for _, bound := range bounds {
		key += "\x00\x00\x00\x00\x00\x00\x00" + string(bound)
	}
	return key
}

func beginning() optionalText { return Ptr("(") }

func appending(_ string, value, aggregate optionalText) (optionalText, error) {
	switch {
	case value == nil:
		return aggregate, nil
	case *value == "end":
		return nil, nil
	case *value == "fail":
		return nil, errors.New("told to fail")
	}
	return Ptr(*aggregate + *value), nil
}

func merging(_ string, one, two optionalText) (optionalText, error) {
	return Ptr(*one + *two + ")"), nil
}

func reducing2(aggregate, value optionalText) (optionalText, error) {
	return appending("", value, aggregate)
}

type (
	in     = KStream[string, optionalText]
	inTime = KStream[Windowed[string], optionalText]
)

func bySessions(s in) inTime {
	g := s.GroupByKey().WindowedBySessions(Sessions(time.Minute))
	return AggregateSessions(g, beginning, appending, merging, optional, StoredAs("store"), Named("fold"))
}

func reducedSessions(s in) inTime {
	g := s.GroupByKey().WindowedBySessions(Sessions(time.Minute))
	return ReduceSessions(g, reducing2, StoredAs("store"), Named("fold"))
}

func values(texts ...string) [][]byte {
	var data [][]byte
	for _, text := range texts {
		data = append(data, []byte(text))
	}
	return data
}

func TestAFoldOfNilIsDeletedAndForwarded(t *testing.T) {
	kept := Serde[optionalText]{
		Serialize: func(value optionalText) ([]byte, error) {
			if value == nil {
				return nil, errors.New("nil is not to be kept")
			}
			return []byte(*value), nil
		},
		Deserialize: optional.Deserialize,
	}
	fold := func(s in) KStream[string, optionalText] {
		folds := Aggregate(s.GroupByKey(), beginning, appending, kept, StoredAs("store"), Named("fold"))
		return folds.GroupByKey(WithSerdes(UTF8, optional)).stream
	}
	columns := &pb.StateColumns{Values: values("x"), Slots: []uint32{0, 0, 0, 0}}
	result := folded(t, fold, columns, "a", "null", "end", "b")
	equal(t, outputsOf(result), []string{"0>0 k=xa", "2>0 k=null", "3>0 k=(b"})
	equal(t, stored(result), map[uint32]string{0: "(b"})
	columns = &pb.StateColumns{Values: values("x"), Slots: []uint32{0, 0}}
	equal(t, stored(folded(t, fold, columns, "a", "end")), map[uint32]string{0: "deleted"})
}

func TestTheFirstValueIsWhatIsReduced(t *testing.T) {
	reduce := func(s in) KStream[string, optionalText] {
		return Reduce(s.GroupByKey(), reducing2, StoredAs("store"), Named("fold"))
	}
	columns := &pb.StateColumns{Values: values(""), Absent: []uint32{0}, Slots: []uint32{0, 0, 0, 0, 0}}
	result := folded(t, reduce, columns, "fail", "null", "b", "end", "c")
	equal(t, outputsOf(result), []string{"0>0 k=fail", "2>0 k=failb", "3>0 k=null", "4>0 k=c"})
	equal(t, stored(result), map[uint32]string{0: "c"})
}

func TestARecordIsFoldedIntoEachOfItsWindows(t *testing.T) {
	hopping := func(s in) inTime {
		g := s.GroupByKey().WindowedBy(Hopping(40*time.Millisecond, 10*time.Millisecond))
		return AggregateWindows(g, beginning, appending, optional, StoredAs("store"), Named("fold"))
	}
	columns := &pb.StateColumns{
		Values: values("x", "", ""), Absent: []uint32{1, 2},
		Slots: []uint32{0, 1, 1, 2}, SlotCounts: []uint32{2, 2},
		WindowBase: 5, WindowUnitMs: 10, WindowSteps: []int32{0, 1, 2},
	}
	result := folded(t, hopping, columns, "a", "null")
	equal(t, outputsOf(result), []string{
		"0>0 " + at(5) + "=xa", "0>0 " + at(15) + "=(a", "1>0 " + at(15) + "=(a", "1>0 " + at(25) + "=(",
	})
	equal(t, stored(result), map[uint32]string{0: "xa", 1: "(a", 2: "("})
	reduced := func(s in) inTime {
		g := s.GroupByKey().WindowedBy(Tumbling(10 * time.Millisecond))
		return ReduceWindows(g, reducing2, StoredAs("store"), Named("fold"))
	}
	columns = &pb.StateColumns{Values: values("x"), WindowBase: 5, WindowUnitMs: 10, WindowSteps: []int32{0}}
	equal(t, outputsOf(folded(t, reduced, columns, "a")), []string{"0>0 " + at(5) + "=xa"})
}

func TestARecordWithoutAValueIsNoNewsToSlidingWindows(t *testing.T) {
	ends := []int64{}
	sliding := func(s in) KStream[string, optionalText] {
		g := s.GroupByKey().WindowedBy(Sliding(10 * time.Millisecond))
		folds := AggregateWindows(g, beginning, appending, optional, StoredAs("store"), Named("fold"))
		return Map(folds, func(r Record[Windowed[string], optionalText]) (string, optionalText, error) {
			ends = append(ends, r.Key.Window.End)
			return r.Key.Key, r.Value, nil
		}).GroupByKey(WithSerdes(UTF8, optional)).stream
	}
	columns := &pb.StateColumns{
		Values: values("x", "y"), WindowUnitMs: 1, WindowStarts: []int64{5, 6},
	}
	equal(t, outputsOf(folded(t, sliding, columns, "null", "a")), []string{"1>0 k=ya"})
	equal(t, ends, []int64{16})
}

func TestSessionsThatARecordJoinsAreMergedAndTakenBack(t *testing.T) {
	columns := &pb.StateColumns{
		Values: values("x", "y", "", ""), Absent: []uint32{2, 3},
		Slots: []uint32{0, 1, 2, 2, 2, 3}, SlotCounts: []uint32{3, 1, 2},
		WindowStarts: []int64{1, 5, 1, 1}, SessionLengths: []uint64{0, 2, 6, 9},
	}
	result := folded(t, bySessions, columns, "a", "b", "c")
	equal(t, outputsOf(result), []string{
		"0>0 " + at(1, 1) + "=null", "0>0 " + at(7, 5) + "=null", "0>0 " + at(7, 1) + "=(x)y)a",
		// The session is its own successor: what an earlier row made of it is merged into a new one.
		"1>0 " + at(7, 1) + "=((x)y)a)b",
		"2>0 " + at(7, 1) + "=null", "2>0 " + at(10, 1) + "=(((x)y)a)b)c",
	})
	equal(t, stored(result), map[uint32]string{
		0: "deleted", 1: "deleted", 2: "deleted", 3: "(((x)y)a)b)c",
	})
}

func TestASessionThatIsItsOwnSuccessorIsTakenBackToo(t *testing.T) {
	columns := &pb.StateColumns{
		Values: values("x"), Slots: []uint32{0, 0}, SlotCounts: []uint32{2},
		WindowStarts: []int64{1}, SessionLengths: []uint64{4},
	}
	result := folded(t, bySessions, columns, "a")
	equal(t, outputsOf(result), []string{"0>0 " + at(5, 1) + "=null", "0>0 " + at(5, 1) + "=(x)a"})
	equal(t, stored(result), map[uint32]string{0: "(x)a"})
}

func TestASessionWithoutAValueIsPassedOver(t *testing.T) {
	columns := &pb.StateColumns{
		Values: values("x", "", "z"), Absent: []uint32{1},
		Slots: []uint32{0, 0, 1, 2, 1}, SlotCounts: []uint32{1, 3, 1}, WindowStarts: []int64{1, 2, 3},
	}
	result := folded(t, bySessions, columns, "end", "a", "end")
	equal(t, outputsOf(result), []string{
		"0>0 " + at(1, 1) + "=null", "1>0 " + at(3, 3) + "=(z)a", "2>0 " + at(2, 2) + "=null",
	})
	equal(t, stored(result), map[uint32]string{0: "deleted", 1: "deleted", 2: "(z)a"})
}

func TestAReducerMergesSessions(t *testing.T) {
	columns := &pb.StateColumns{
		Values: values("x", "y", ""), Absent: []uint32{2}, Slots: []uint32{0, 1, 2, 2},
		SlotCounts: []uint32{3, 1}, WindowStarts: []int64{1, 3, 1}, SessionLengths: []uint64{1, 1, 3},
	}
	result := folded(t, reducedSessions, columns, "a", "b")
	equal(t, outputsOf(result), []string{
		"0>0 " + at(2, 1) + "=null", "0>0 " + at(4, 3) + "=null", "0>0 " + at(4, 1) + "=xya",
		"1>0 " + at(4, 1) + "=xyab",
	})
}

func TestASessionWhoseRecordFailsIsAsItWas(t *testing.T) {
	columns := &pb.StateColumns{
		Values: values("x", ""), Absent: []uint32{1}, Slots: []uint32{0, 1}, SlotCounts: []uint32{2},
		WindowStarts: []int64{1, 1}, SessionLengths: []uint64{1, 3},
	}
	result := folded(t, bySessions, columns, "fail")
	equal(t, result.GetFailure().GetMessage(), "told to fail")
	equal(t, outputsOf(result), []string{})
	equal(t, stored(result), map[uint32]string{})
}

func TestWindowedAggregatesAreDeclared(t *testing.T) {
	app := New(Config{})
	g := Stream(app, UTF8, Int64, []string{"in"}).GroupByKey(Named("part"))
	grace := time.Second
	MinWindows[float64](g.WindowedBy(TumblingWindows{time.Minute, grace}), Named("tumbling"))
	MaxWindows[int32](g.WindowedBy(HoppingWindows{time.Minute, time.Second, grace}), Named("hopping"))
	SumWindows[int64](g.WindowedBy(SlidingWindows{time.Minute, grace}), Named("sliding"))
	CountSessions(g.WindowedBySessions(SessionWindows{time.Minute, grace}), Named("session"))
	for name, wanted := range map[string]*pb.Aggregate{
		"tumbling": {
			Store: "min-store-01", Aggregator: pb.Aggregator_AGGREGATOR_MIN,
			Number:   pb.NumberType_NUMBER_TYPE_FLOAT64,
			Tumbling: &pb.TumblingWindows{SizeMs: 60_000, GraceMs: 1_000},
		},
		"hopping": {
			Store: "max-store-02", Aggregator: pb.Aggregator_AGGREGATOR_MAX,
			Number:  pb.NumberType_NUMBER_TYPE_INT32,
			Hopping: &pb.HoppingWindows{SizeMs: 60_000, AdvanceMs: 1_000, GraceMs: 1_000},
		},
		"sliding": {
			Store: "sum-store-03", Aggregator: pb.Aggregator_AGGREGATOR_SUM,
			Number:  pb.NumberType_NUMBER_TYPE_INT64,
			Sliding: &pb.SlidingWindows{TimeDifferenceMs: 60_000, GraceMs: 1_000},
		},
		"session": {
			Store: "count-store-04", Aggregator: pb.Aggregator_AGGREGATOR_COUNT,
			Session: &pb.SessionWindows{GapMs: 60_000, GraceMs: 1_000},
		},
	} {
		wanted.Repartition = "part"
		equal(t, app.topology.declaredAs(name).GetAggregate().String(), wanted.String())
	}
	kinds := ""
	for _, store := range app.topology.stores {
		kinds += fmt.Sprint(store.Kind, " ")
	}
	equal(t, kinds, strings.Repeat("STORE_KIND_WINDOW ", 3)+"STORE_KIND_SESSION ")
}

func TestWindowsThatAreNoneAreRefused(t *testing.T) {
	bad := map[string]TimeWindows{
		"size of 0s":               Tumbling(0),
		"size of 1µs":              Tumbling(time.Microsecond),
		"grace of -1s":             TumblingWindows{time.Minute, -time.Second},
		"advance of 0s":            Hopping(time.Minute, 0),
		"advance of 2m0s":          Hopping(time.Minute, 2*time.Minute),
		"time difference of -1s":   Sliding(-time.Second),
		"time difference of 1.5µs": Sliding(1500),
	}
	for said, windows := range bad {
		app := New(Config{})
		CountWindows(Stream(app, UTF8, UTF8, []string{"in"}).GroupByKey().WindowedBy(windows))
		saidByRun(t, app, said)
	}
	app := New(Config{})
	CountSessions(Stream(app, UTF8, UTF8, []string{"in"}).GroupByKey().WindowedBySessions(Sessions(0)))
	saidByRun(t, app, "gap of 0s")
}

func TestAnAggregateOfSessionsCanBeNil(t *testing.T) {
	app := New(Config{})
	g := Stream(app, UTF8, UTF8, []string{"in"}).GroupByKey().WindowedBySessions(Sessions(time.Minute))
	ReduceSessions(g, func(aggregate, value string) (string, error) { return aggregate + value, nil })
	saidByRun(t, app, "cannot be nil")
}

func TestWindowedKeysAreWrittenAsKafkaWritesThem(t *testing.T) {
	window := Window{1, 6}
	same(t, TimeWindowed(UTF8, 5*time.Millisecond), Windowed[string]{"k", window}, at(1))
	same(t, SessionWindowed(UTF8), Windowed[string]{"k", window}, at(6, 1))
	same(t, TimeWindowed(UTF8, time.Millisecond), Windowed[string]{"", Window{-1, 0}},
		"\xff\xff\xff\xff\xff\xff\xff\xff")
	refused(t, TimeWindowed(UTF8, time.Second), []byte("1234567"))
	refused(t, SessionWindowed(UTF8), []byte("123456789012345"))
}
