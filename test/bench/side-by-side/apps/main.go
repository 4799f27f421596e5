// Command bench is the three workloads of the side-by-side benchmark; which one it is, the environment
// says. It is built in the folder of the SDK, whose module it uses.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/outrigger-io/outrigger/clients/go"
)

type totals struct{ count, sum int64 }

var totalsSerde = outrigger.Serde[totals]{
	Serialize: func(value totals) ([]byte, error) {
		written := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(value.count))
		return binary.BigEndian.AppendUint64(written, uint64(value.sum)), nil
	},
	Deserialize: func(data []byte) (totals, error) {
		if len(data) != 16 {
			return totals{}, fmt.Errorf("totals are 16 bytes, not %d", len(data))
		}
		return totals{int64At(data, 0), int64At(data, 8)}, nil
	},
}

func int64At(data []byte, at int) int64 { return int64(binary.BigEndian.Uint64(data[at:])) }

func same(value []byte) ([]byte, error) { return value, nil }

// windowedKey puts the window's start behind the key.
func windowedKey(record outrigger.Record[outrigger.Windowed[[]byte], int64]) ([]byte, int64, error) {
	key := record.Key.Key
	written := append(make([]byte, 0, len(key)+8), key...)
	return binary.BigEndian.AppendUint64(written, uint64(record.Key.Window.Start)), record.Value, nil
}

func add(_ []byte, value []byte, before totals) (totals, error) {
	return totals{before.count + 1, before.sum + int64At(value, 8)}, nil
}

func main() {
	app := outrigger.New(outrigger.Config{})
	output := os.Getenv("BENCH_OUTPUT")
	records := outrigger.Stream(
		app, outrigger.Bytes, outrigger.Bytes, []string{os.Getenv("BENCH_INPUT")})
	switch os.Getenv("BENCH_WORKLOAD") {
	case "W1":
		outrigger.MapValues(records, same).To(output, outrigger.Bytes, outrigger.Bytes)
	case "W2":
		windows := records.GroupByKey().WindowedBy(outrigger.Tumbling(5 * time.Minute))
		counts := outrigger.CountWindows(windows, outrigger.StoredAs("counts"))
		outrigger.Map(counts, windowedKey).To(output, outrigger.Bytes, outrigger.Int64)
	case "W3":
		empty := func() totals { return totals{} }
		stored := outrigger.StoredAs("totals")
		outrigger.Aggregate(records.GroupByKey(), empty, add, totalsSerde, stored).
			To(output, outrigger.Bytes, totalsSerde)
	default:
		log.Fatal("BENCH_WORKLOAD is none of W1, W2, W3")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := app.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
