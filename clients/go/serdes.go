package outrigger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
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

// Int32 is a 32-bit integer, big-endian, as Kafka's IntegerSerializer.
var Int32 = Serde[int32]{
	Serialize: func(value int32) ([]byte, error) {
		return binary.BigEndian.AppendUint32(nil, uint32(value)), nil
	},
	Deserialize: func(data []byte) (int32, error) {
		if data == nil {
			return 0, nullFault("Int32")
		}
		if len(data) != 4 {
			return 0, fmt.Errorf("it has %d bytes, Int32 takes 4", len(data))
		}
		return int32(binary.BigEndian.Uint32(data)), nil
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

// erased is a serde of any type: what nodes and sinks are made of. Behind code that changes types it is
// unknown.
type erased struct {
	serialize   func(value any) ([]byte, error)
	deserialize func(data []byte) (any, error)
	// Where the code of its serde is: other code is another serde.
	code uintptr
}

func (e erased) isKnown() bool { return e.serialize != nil }

var errNoSerde = errors.New("nothing says how it is written: name serdes where it is grouped or " +
	"repartitioned, by WithSerdes")

// orMissing is the serde, or one that fails what needs it.
func (e erased) orMissing() erased {
	if e.isKnown() {
		return e
	}
	return erased{
		serialize:   func(any) ([]byte, error) { return nil, errNoSerde },
		deserialize: func([]byte) (any, error) { return nil, errNoSerde },
	}
}

func erase[T any](serde Serde[T]) erased {
	return erased{
		serialize:   func(value any) ([]byte, error) { return serde.Serialize(as[T](value)) },
		deserialize: func(data []byte) (any, error) { return serde.Deserialize(data) },
		code:        reflect.ValueOf(serde.Deserialize).Pointer(),
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
