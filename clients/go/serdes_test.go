package outrigger

import (
	"math"
	"testing"
)

func same[T comparable](t *testing.T, serde Serde[T], value T, wire string) {
	t.Helper()
	written, err := serde.Serialize(value)
	if err != nil || string(written) != wire {
		t.Fatalf("%v was written as %q, %v", value, written, err)
	}
	if read, err := serde.Deserialize([]byte(wire)); err != nil || read != value {
		t.Fatalf("%q was read as %v, %v", wire, read, err)
	}
}

func refused[T any](t *testing.T, serde Serde[T], data []byte) {
	t.Helper()
	if value, err := serde.Deserialize(data); err == nil {
		t.Fatalf("%q was read as %v", data, value)
	}
}

func TestSerdesWriteWhatKafkasWrite(t *testing.T) {
	same(t, UTF8, "zoë", "zo\xc3\xab")
	same(t, UTF8, "", "")
	same(t, Int64, -2, "\xff\xff\xff\xff\xff\xff\xff\xfe")
	same(t, Double, math.Pi, "\x40\x09\x21\xfb\x54\x44\x2d\x18")
	same(t, JSON[int](), 7, "7")
	same(t, Int32, -2, "\xff\xff\xff\xfe")
}

func TestSerdesRefuseWhatTheyCannotRead(t *testing.T) {
	refused(t, UTF8, nil)
	refused(t, UTF8, []byte{0xff})
	refused(t, Int64, []byte{1})
	refused(t, Double, nil)
	refused(t, Int32, nil)
	refused(t, Int32, []byte("12345"))
	refused(t, JSON[int](), []byte("{"))
	refused(t, JSON[int](), nil)
}

func TestNullIsNotEmpty(t *testing.T) {
	text := Nullable(UTF8)
	if written, _ := text.Serialize(nil); written != nil {
		t.Fatalf("null was written as %q", written)
	}
	empty := ""
	if written, _ := text.Serialize(&empty); written == nil {
		t.Fatal("an empty text was written as null")
	}
	if read, _ := text.Deserialize(nil); read != nil {
		t.Fatalf("null was read as %q", *read)
	}
	if read, _ := text.Deserialize([]byte{}); read == nil {
		t.Fatal("an empty text was read as null")
	}
}
