package outrigger

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

const frameSeeds = 2_000

var (
	someInts  = []int32{0, 1, -1, 127, 128, 16_384, -1 << 31, 1<<31 - 1}
	someLongs = []int64{0, 1, -1, 300, 1 << 35, -1 << 63, 1<<63 - 1}
)

func anInt() int32  { return someInts[rand.IntN(len(someInts))] }
func aLong() int64  { return someLongs[rand.IntN(len(someLongs))] }
func some() uint32  { return uint32(anInt()) }
func chance() bool  { return rand.IntN(2) == 0 }
func fewRows() int  { return rand.IntN(6) }
func text() []byte  { return []byte(strings.Repeat("x", []int{0, 1, 7, 300, 600}[rand.IntN(5)])) }
func nulls() uint32 { return uint32(rand.IntN(4)) }

func someSegment() *pb.Segment {
	s := &pb.Segment{Source: some(), Partition: anInt(), BaseOffset: aLong(), BaseTimestamp: aLong()}
	hasDeltas := chance()
	for row := range fewRows() {
		s.Keys, s.Values = append(s.Keys, text()), append(s.Values, text())
		if hasDeltas {
			s.OffsetDeltas = append(s.OffsetDeltas, anInt())
			s.TimestampDeltas = append(s.TimestampDeltas, anInt())
		}
		if rand.IntN(4) == 0 {
			s.NullKeys, s.NullValues = append(s.NullKeys, nulls()), append(s.NullValues, nulls())
			headers := []*pb.Header{{Key: "ключ", Value: text()}, {Key: ""}}
			s.Headers = append(s.Headers, &pb.RowHeaders{Row: uint32(row), Headers: headers})
		}
	}
	return s
}

func someState() *pb.StateColumns {
	s := &pb.StateColumns{Store: some(), WindowBase: aLong(), WindowUnitMs: uint64(aLong())}
	for range fewRows() {
		s.Values, s.Absent = append(s.Values, text()), append(s.Absent, some())
		s.Slots, s.SlotCounts = append(s.Slots, some()), append(s.SlotCounts, some())
		s.WindowSteps, s.WindowStarts = append(s.WindowSteps, anInt()), append(s.WindowStarts, aLong())
		s.SessionLengths = append(s.SessionLengths, uint64(aLong()))
	}
	return s
}

func someFrame() *pb.ProcessResponse {
	batch := &pb.Batch{
		DispatchId: uint64(aLong()), TaskEpoch: some(), TaskId: "1_23", Stage: some(), ProcessingTimeoutMs: some(),
	}
	for range rand.IntN(3) {
		batch.Segments = append(batch.Segments, someSegment())
	}
	for range rand.IntN(3) {
		batch.States = append(batch.States, someState())
	}
	return &pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: batch}}
}

// readByHand says whether it was not left to the generated code.
func readByHand(data []byte) bool {
	w := wire{data}
	field, kind, _ := w.tag()
	inner, isThere := w.bytes()
	return isThere && field == 3 && kind == delimited && len(w.data) == 0 && readBatch(inner, &pb.Batch{})
}

func TestBatchesAreReadByHandAsByTheGeneratedCode(t *testing.T) {
	for range frameSeeds {
		frame := someFrame()
		data, err := proto.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		read := &pb.ProcessResponse{}
		if err := decodeFrame(data, read); err != nil || !proto.Equal(frame, read) {
			t.Fatalf("%v\n%v\n%v", err, frame, read)
		}
	}
	canonical := &pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: &pb.Batch{
		TaskId: "0_0", Segments: []*pb.Segment{{Keys: [][]byte{{}}, Values: [][]byte{text()}}},
	}}}
	data, _ := proto.Marshal(canonical)
	if !readByHand(data) {
		t.Fatal("a plain batch is left to the generated code")
	}
}

func TestWhatIsDamagedIsReadOrRefusedAsByTheGeneratedCode(t *testing.T) {
	byHand := 0
	for range 20 * frameSeeds {
		data, _ := proto.Marshal(someFrame())
		if rand.IntN(4) == 0 {
			data = data[:rand.IntN(len(data)+1)]
		}
		for count := rand.IntN(3); count > 0 && len(data) > 0; count-- {
			data[rand.IntN(len(data))] = byte(rand.IntN(256))
		}
		read, expected := &pb.ProcessResponse{}, &pb.ProcessResponse{}
		err, expectedErr := decodeFrame(data, read), proto.Unmarshal(data, expected)
		if (err == nil) != (expectedErr == nil) {
			t.Fatalf("%x: %v, not %v", data, err, expectedErr)
		}
		if err == nil && !proto.Equal(expected, read) {
			t.Fatalf("%x:\n%v, not\n%v", data, read, expected)
		}
		if err == nil && readByHand(data) {
			byHand++
		}
	}
	if byHand < frameSeeds/2 {
		t.Fatalf("but %d of them by hand", byHand)
	}
}

func TestAFrameInPiecesIsLeftToTheGeneratedCode(t *testing.T) {
	first, _ := proto.Marshal(someFrame())
	second, _ := proto.Marshal(someFrame())
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)
	for _, data := range [][]byte{append(bytes.Clone(first), second...), append(first, unknown...)} {
		read, expected := &pb.ProcessResponse{}, &pb.ProcessResponse{}
		if err := decodeFrame(data, read); err != nil || readByHand(data) {
			t.Fatal(err)
		}
		if proto.Unmarshal(data, expected) != nil || !proto.Equal(expected, read) {
			t.Fatalf("%v, not %v", read, expected)
		}
	}
}

func TestAKeyThatIsAppendedToLeavesItsNeighbourAlone(t *testing.T) {
	frame := &pb.ProcessResponse{Frame: &pb.ProcessResponse_Batch{Batch: &pb.Batch{
		Segments: []*pb.Segment{{Keys: [][]byte{[]byte("a"), []byte("b")}, Values: [][]byte{nil, nil}}},
	}}}
	data, _ := proto.Marshal(frame)
	read := &pb.ProcessResponse{}
	if err := decodeFrame(data, read); err != nil {
		t.Fatal(err)
	}
	clear(data)
	keys := read.GetBatch().Segments[0].Keys
	_ = append(keys[0], 'x')
	if string(keys[1]) != "b" {
		t.Fatalf("it became %q", keys[1])
	}
}
