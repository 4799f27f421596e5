package schemaregistry

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
)

type order struct {
	Cents int `json:"cents"`
}

func TestWritesAndReadsConfluentsWireFormat(t *testing.T) {
	var registered sr.Serde
	registered.Register(258, order{}, sr.EncodeFn(json.Marshal), sr.DecodeFn(json.Unmarshal))
	serde := Of[order](&registered)
	written, err := serde.Serialize(order{7})
	if err != nil || string(written) != "\x00\x00\x00\x01\x02{\"cents\":7}" {
		t.Fatalf("wrote %q, %v", written, err)
	}
	read, err := serde.Deserialize(written)
	if err != nil || read.Cents != 7 {
		t.Fatalf("read %v, %v", read, err)
	}
	if _, err := serde.Deserialize([]byte("\x00\x00\x00\x00\x09{}")); !errors.Is(err, sr.ErrNotRegistered) {
		t.Fatalf("a schema nobody registered: %v", err)
	}
	if _, err := serde.Deserialize(nil); err == nil {
		t.Fatal("null was taken")
	}
}
