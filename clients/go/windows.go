package outrigger

import (
	"encoding/binary"
	"fmt"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// TimeWindows are what WindowedBy takes: TumblingWindows, HoppingWindows or SlidingWindows. They count in
// whole milliseconds.
type TimeWindows interface {
	// declare says of an aggregate what its windows are; it fails for what are none.
	declare(aggregate *pb.Aggregate) error
	sizeMs() int64
}

// TumblingWindows are windows of fixed size that neither overlap nor leave gaps, aligned to the epoch.
type TumblingWindows struct {
	Size time.Duration
	// Grace is how long after its end a window takes late records, in stream time.
	Grace time.Duration
}

// Tumbling makes windows of a size, without grace.
func Tumbling(size time.Duration) TumblingWindows { return TumblingWindows{Size: size} }

// HoppingWindows are windows of fixed size that begin each Advance, aligned to the epoch: a record is in
// all that hold it.
type HoppingWindows struct {
	Size time.Duration
	// Advance is from the start of one window to that of the next: above 0, at most the size.
	Advance time.Duration
	// Grace is how long after its end a window takes late records, in stream time.
	Grace time.Duration
}

// Hopping makes windows of a size that begin each advance, without grace.
func Hopping(size, advance time.Duration) HoppingWindows {
	return HoppingWindows{Size: size, Advance: advance}
}

// SlidingWindows are windows whose records lie at most TimeDifference apart: for each record one that ends
// with it, and one that begins right behind it. Both ends of a window belong to it.
type SlidingWindows struct {
	TimeDifference time.Duration
	// Grace is how long after its end a window takes late records, in stream time.
	Grace time.Duration
}

// Sliding makes windows of records that lie at most so far apart, without grace.
func Sliding(timeDifference time.Duration) SlidingWindows {
	return SlidingWindows{TimeDifference: timeDifference}
}

// SessionWindows are windows of records of a key that follow each other within InactivityGap.
type SessionWindows struct {
	InactivityGap time.Duration
	// Grace is how long after its end a session takes late records, in stream time.
	Grace time.Duration
}

// Sessions makes windows that end when nothing came for a gap, without grace.
func Sessions(inactivityGap time.Duration) SessionWindows {
	return SessionWindows{InactivityGap: inactivityGap}
}

// Window is [Start, End), in ms since the epoch; of sliding windows and sessions, End is in it too.
type Window struct{ Start, End int64 }

// Windowed is the key of a windowed aggregate's result.
type Windowed[K any] struct {
	Key    K
	Window Window
}

func (w TumblingWindows) sizeMs() int64 { return w.Size.Milliseconds() }
func (w HoppingWindows) sizeMs() int64  { return w.Size.Milliseconds() }
func (w SlidingWindows) sizeMs() int64  { return w.TimeDifference.Milliseconds() }

func (w TumblingWindows) declare(aggregate *pb.Aggregate) error {
	aggregate.Tumbling = &pb.TumblingWindows{SizeMs: w.sizeMs(), GraceMs: w.Grace.Milliseconds()}
	return firstOf(atLeast("size", w.Size, time.Millisecond), atLeast("grace", w.Grace, 0))
}

func (w HoppingWindows) declare(aggregate *pb.Aggregate) error {
	aggregate.Hopping = &pb.HoppingWindows{
		SizeMs:    w.sizeMs(),
		AdvanceMs: w.Advance.Milliseconds(),
		GraceMs:   w.Grace.Milliseconds(),
	}
	if w.Advance > w.Size {
		return fmt.Errorf("an advance of %v, which must be at most their size, %v: records between two "+
			"windows would be in none", w.Advance, w.Size)
	}
	return firstOf(atLeast("size", w.Size, time.Millisecond),
		atLeast("advance", w.Advance, time.Millisecond), atLeast("grace", w.Grace, 0))
}

func (w SlidingWindows) declare(aggregate *pb.Aggregate) error {
	aggregate.Sliding = &pb.SlidingWindows{
		TimeDifferenceMs: w.sizeMs(), GraceMs: w.Grace.Milliseconds(),
	}
	return firstOf(atLeast("time difference", w.TimeDifference, 0), atLeast("grace", w.Grace, 0))
}

func (w SessionWindows) declare(aggregate *pb.Aggregate) error {
	aggregate.Session = &pb.SessionWindows{
		GapMs: w.InactivityGap.Milliseconds(), GraceMs: w.Grace.Milliseconds(),
	}
	return firstOf(
		atLeast("inactivity gap", w.InactivityGap, time.Millisecond), atLeast("grace", w.Grace, 0))
}

func atLeast(what string, given, least time.Duration) error {
	if given < least || given%time.Millisecond != 0 {
		return fmt.Errorf("a %s of %v, which must be whole ms from %v on", what, given, least)
	}
	return nil
}

func firstOf(faults ...error) error {
	for _, fault := range faults {
		if fault != nil {
			return fault
		}
	}
	return nil
}

// TimeWindowed are keys of windows of a size, as Kafka's TimeWindowedSerializer: `key | int64 start`. The
// bytes do not hold the size.
func TimeWindowed[K any](key Serde[K], size time.Duration) Serde[Windowed[K]] {
	return timeWindowed(key, size.Milliseconds())
}

func timeWindowed[K any](key Serde[K], sizeMs int64) Serde[Windowed[K]] {
	return windowedSerde(key, 8, func(at []byte) Window {
		start := int64(binary.BigEndian.Uint64(at))
		return Window{start, start + sizeMs}
	}, func(w Window) []byte {
		return binary.BigEndian.AppendUint64(nil, uint64(w.Start))
	})
}

// SessionWindowed are keys of sessions, as Kafka's SessionWindowedSerializer:
// `key | int64 end | int64 start`.
func SessionWindowed[K any](key Serde[K]) Serde[Windowed[K]] {
	return windowedSerde(key, 16, func(at []byte) Window {
		end := int64(binary.BigEndian.Uint64(at))
		return Window{int64(binary.BigEndian.Uint64(at[8:])), end}
	}, func(w Window) []byte {
		end := binary.BigEndian.AppendUint64(nil, uint64(w.End))
		return binary.BigEndian.AppendUint64(end, uint64(w.Start))
	})
}

func windowedSerde[K any](
	key Serde[K], size int, read func(at []byte) Window, written func(w Window) []byte,
) Serde[Windowed[K]] {
	return Serde[Windowed[K]]{
		Serialize: func(value Windowed[K]) ([]byte, error) {
			inner, err := key.Serialize(value.Key)
			return append(inner[:len(inner):len(inner)], written(value.Window)...), err
		},
		Deserialize: func(data []byte) (Windowed[K], error) {
			at := len(data) - size
			if at < 0 {
				return Windowed[K]{}, fmt.Errorf("it has %d bytes, a windowed key at least %d", len(data), size)
			}
			inner, err := key.Deserialize(data[:at:at])
			return Windowed[K]{inner, read(data[at:])}, err
		},
	}
}
