package outrigger

import (
	"encoding/binary"
	"fmt"
	"time"
)

// TumblingWindows are windows of fixed size that neither overlap nor leave gaps, aligned to the epoch.
type TumblingWindows struct {
	Size time.Duration
	// Grace is how long after its end a window takes late records, in stream time.
	Grace time.Duration
}

// Tumbling makes windows of a size, without grace. Windows count in whole milliseconds.
func Tumbling(size time.Duration) TumblingWindows { return TumblingWindows{Size: size} }

// Window is [Start, End), in ms since the epoch.
type Window struct{ Start, End int64 }

// Windowed is the key of a windowed aggregate's result.
type Windowed[K any] struct {
	Key    K
	Window Window
}

// windowedKey is `key | int64 start`, as Kafka's TimeWindowedSerializer.
func windowedKey(key erased, wrap func(key any, window Window) any, sizeMs int64) erased {
	return erased{
		serialize: func(any) ([]byte, error) {
			return nil, fmt.Errorf("a windowed key has no serde to write it with: map it first")
		},
		deserialize: func(data []byte) (any, error) {
			if len(data) < 8 {
				return nil, fmt.Errorf("it has %d bytes, a windowed key at least 8", len(data))
			}
			at := len(data) - 8
			start := int64(binary.BigEndian.Uint64(data[at:]))
			inner, err := key.deserialize(data[:at:at])
			return wrap(inner, Window{start, start + sizeMs}), err
		},
	}
}
