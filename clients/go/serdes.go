package outrigger

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"
)

// Serde is how a key or a value is written and read. A nil slice is a null key or a tombstone, which
// is not an empty value; a serde that takes none returns an error, and the record fails with it.
type Serde[T any] struct {
	Serialize   func(value T) ([]byte, error)
	Deserialize func(data []byte) (T, error)
}

// Bytes are bytes as they are, nil included.
var Bytes = Serde[[]byte]{
	Serialize:   func(value []byte) ([]byte, error) { return value, nil },
	Deserialize: func(data []byte) ([]byte, error) { return data, nil },
}

// UTF8 is text in UTF-8, as Kafka's StringSerializer.
var UTF8 = Serde[string]{
	Serialize: func(value string) ([]byte, error) { return present([]byte(value)), nil },
	Deserialize: func(data []byte) (string, error) {
		if data == nil {
			return "", nullFault("UTF8")
		}
		if !utf8.Valid(data) {
			return "", fmt.Errorf("its %d bytes are no UTF-8", len(data))
		}
		return string(data), nil
	},
}

// Int64 is a 64-bit integer, big-endian, as Kafka's LongSerializer.
var Int64 = Serde[int64]{
	Serialize: func(value int64) ([]byte, error) {
		return binary.BigEndian.AppendUint64(nil, uint64(value)), nil
	},
	Deserialize: func(data []byte) (int64, error) {
		bits, err := eightBytes(data, "Int64")
		return int64(bits), err
	},
}

// Double is an IEEE 754 double, big-endian, as Kafka's DoubleSerializer.
var Double = Serde[float64]{
	Serialize: func(value float64) ([]byte, error) {
		return binary.BigEndian.AppendUint64(nil, math.Float64bits(value)), nil
	},
	Deserialize: func(data []byte) (float64, error) {
		bits, err := eightBytes(data, "Double")
		return math.Float64frombits(bits), err
	},
}

// JSON is encoding/json's.
func JSON[T any]() Serde[T] {
	return Serde[T]{
		Serialize: func(value T) ([]byte, error) { return json.Marshal(value) },
		Deserialize: func(data []byte) (T, error) {
			var value T
			if data == nil {
				return value, nullFault("JSON")
			}
			err := json.Unmarshal(data, &value)
			return value, err
		},
	}
}

// Nullable is the same serde, with a nil pointer for a null key or a tombstone.
func Nullable[T any](serde Serde[T]) Serde[*T] {
	return Serde[*T]{
		Serialize: func(value *T) ([]byte, error) {
			if value == nil {
				return nil, nil
			}
			return serde.Serialize(*value)
		},
		Deserialize: func(data []byte) (*T, error) {
			if data == nil {
				return nil, nil
			}
			value, err := serde.Deserialize(data)
			return &value, err
		},
	}
}

// erased is a serde of any type: what nodes and sinks are made of.
type erased struct {
	serialize   func(value any) ([]byte, error)
	deserialize func(data []byte) (any, error)
}

func erase[T any](serde Serde[T]) erased {
	return erased{
		serialize:   func(value any) ([]byte, error) { return serde.Serialize(as[T](value)) },
		deserialize: func(data []byte) (any, error) { return serde.Deserialize(data) },
	}
}

// as is a cast that takes a nil interface for T's zero value.
func as[T any](value any) T {
	typed, _ := value.(T)
	return typed
}

// present makes an empty slice of a nil one: not null.
func present(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

func nullFault(serde string) error {
	return fmt.Errorf("it is null, and %s takes none: use Nullable(%s)", serde, serde)
}

func eightBytes(data []byte, serde string) (uint64, error) {
	if data == nil {
		return 0, nullFault(serde)
	}
	if len(data) != 8 {
		return 0, fmt.Errorf("it has %d bytes, %s takes 8", len(data), serde)
	}
	return binary.BigEndian.Uint64(data), nil
}
