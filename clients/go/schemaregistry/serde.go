// Package schemaregistry makes serdes for Confluent's wire format of franz-go's, so that keys and values
// may be Avro, Protobuf or JSON Schema.
package schemaregistry

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/outrigger-io/outrigger/clients/go"
)

// Of is a serde of T over a sr.Serde, in which T must have been registered with the id of its schema.
// A record of a schema that it does not know fails with sr.ErrNotRegistered. Null is refused: wrap the
// serde in outrigger.Nullable where there are tombstones.
func Of[T any](serde *sr.Serde) outrigger.Serde[T] {
	return outrigger.Serde[T]{
		Serialize: func(value T) ([]byte, error) { return serde.Encode(value) },
		Deserialize: func(data []byte) (T, error) {
			var value T
			if data == nil {
				return value, fmt.Errorf("it is null: wrap the serde in outrigger.Nullable")
			}
			err := serde.Decode(data, &value)
			return value, err
		},
	}
}
