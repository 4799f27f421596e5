package outrigger

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

const benchRows = 500

// BenchmarkRows is what the SDK costs for each record, without IO: reading a batch of 500, running it and
// writing its result. `go test -run - -bench Rows`.
func BenchmarkRows(b *testing.B) {
	long := func(data []byte, value int) []byte { return binary.BigEndian.AppendUint64(data, uint64(value)) }
	b.Run("MapValues", func(b *testing.B) {
		app := New(Config{})
		MapValues(Stream(app, Bytes, Bytes, []string{"in"}), func(value []byte) ([]byte, error) {
			return value, nil
		}, Named("entry")).To("out", Bytes, Bytes, Named("sink"))
		benchmarkRows(b, app, &pb.Batch{Segments: []*pb.Segment{rowsOf(func(int) []byte {
			return make([]byte, 100)
		})}})
	})
	b.Run("Map of a windowed count", func(b *testing.B) {
		app := New(Config{})
		windows := Stream(app, Bytes, Bytes, []string{"in"}).GroupByKey().WindowedBy(Tumbling(5 * time.Minute))
		Map(CountWindows(windows), func(r Record[Windowed[[]byte], int64]) ([]byte, int64, error) {
			key := append(make([]byte, 0, len(r.Key.Key)+8), r.Key.Key...)
			return long(key, int(r.Key.Window.Start)), r.Value, nil
		}, Named("entry")).To("out", Bytes, Int64, Named("sink"))
		benchmarkRows(b, app, &pb.Batch{Segments: []*pb.Segment{rowsOf(func(int) []byte { return long(nil, 1) })}})
	})
	b.Run("Aggregate", func(b *testing.B) {
		app := New(Config{})
		in := Stream(app, Bytes, Bytes, []string{"in"})
		Aggregate(in.GroupByKey(), func() int64 { return 0 }, func(_, value []byte, sum int64) (int64, error) {
			return sum + int64(binary.BigEndian.Uint64(value)), nil
		}, Int64, Named("entry"), StoredAs("sums")).To("out", Bytes, Int64, Named("sink"))
		batch := &pb.Batch{Segments: []*pb.Segment{rowsOf(func(int) []byte { return make([]byte, 100) })}}
		columns := &pb.StateColumns{}
		for range benchRows {
			columns.Values = append(columns.Values, long(nil, 1))
		}
		batch.States = []*pb.StateColumns{columns}
		benchmarkRows(b, app, batch)
	})
}

func rowsOf(value func(row int) []byte) *pb.Segment {
	segment := &pb.Segment{BaseTimestamp: 1_700_000_000_000}
	for row := range benchRows {
		key := binary.BigEndian.AppendUint64(nil, uint64(row*7919%10_000))
		segment.Keys = append(segment.Keys, binary.BigEndian.AppendUint64(key, uint64(row)))
		segment.Values = append(segment.Values, value(row))
		segment.TimestampDeltas = append(segment.TimestampDeltas, int32(row))
	}
	return segment
}

func benchmarkRows(b *testing.B, app *App, batch *pb.Batch) {
	b.Helper()
	stage := &stageScope{
		nodes: app.topology.nodes, sources: []string{"in"}, applicationID: "rows", resultBytesMax: 4 << 20,
		stage: &pb.Stage{Entries: []string{"entry"}, Stores: []string{"sums"}, Sinks: []string{"sink"}},
	}
	data, err := proto.Marshal(&pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: batch}})
	if err != nil {
		b.Fatal(err)
	}
	var isStopped atomic.Bool
	b.ReportAllocs()
	for b.Loop() {
		frame := &pb.ProcessResponse{}
		if err := decodeFrame(data, frame); err != nil {
			b.Fatal(err)
		}
		result, err := runBatch(b.Context(), stage, frame.GetBatch(), nil, &isStopped)
		if err != nil || result.Done != benchRows {
			b.Fatal(err, result.GetFailure())
		}
		sent := &pb.ProcessRequest{Frame: &pb.ProcessRequest_Result{Result: result}}
		if _, err := proto.Marshal(sent); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/record")
}
