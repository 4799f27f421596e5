// An independent client: franz-go. `read BOOTSTRAP TOPIC...` and `produce BOOTSTRAP`, as Judge.java.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const patience = 60 * time.Second

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	if os.Args[1] == "read" {
		read(ctx, os.Args[2], os.Args[3:])
	} else {
		produce(ctx, os.Args[2])
	}
	fmt.Println("end")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// read prints every committed record up to the last stable offset.
func read(ctx context.Context, bootstrap string, topics []string) {
	starts := map[string]map[int32]kgo.Offset{}
	for _, topic := range topics {
		starts[topic] = map[int32]kgo.Offset{0: kgo.NewOffset().AtStart()}
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.ConsumePartitions(starts),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(200*time.Millisecond),
	)
	check(err)
	defer client.Close()
	ends := stableOffsets(ctx, client, topics)
	position := map[string]int64{}
	for {
		done := true
		for topic, end := range ends {
			done = done && position[topic] >= end
		}
		if done {
			return
		}
		fetches := client.PollFetches(ctx)
		for _, failure := range fetches.Errors() {
			check(failure.Err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			position[record.Topic] = record.Offset + 1
			if !record.Attrs.IsControl() {
				show(record)
			}
		})
	}
}

func stableOffsets(ctx context.Context, client *kgo.Client, topics []string) map[string]int64 {
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID = -1
	request.IsolationLevel = 1
	for _, topic := range topics {
		asked := kmsg.NewListOffsetsRequestTopic()
		asked.Topic = topic
		partition := kmsg.NewListOffsetsRequestTopicPartition()
		partition.Timestamp = -1
		asked.Partitions = append(asked.Partitions, partition)
		request.Topics = append(request.Topics, asked)
	}
	ends := map[string]int64{}
	for _, shard := range client.RequestSharded(ctx, request) {
		check(shard.Err)
		for _, topic := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			ends[topic.Topic] = topic.Partitions[0].Offset
		}
	}
	return ends
}

func show(record *kgo.Record) {
	fields := []string{
		record.Topic,
		strconv.Itoa(int(record.Partition)),
		strconv.FormatInt(record.Offset, 10),
		strconv.FormatInt(record.Timestamp.UnixMilli(), 10),
		encode(record.Key),
		encode(record.Value),
	}
	for _, header := range record.Headers {
		fields = append(fields, encode([]byte(header.Key)), encode(header.Value))
	}
	fmt.Println(strings.Join(fields, "\t"))
}

func produce(ctx context.Context, bootstrap string) {
	clients := map[string]*kgo.Client{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64*1024*1024)
	for lines.Scan() {
		step := strings.Split(lines.Text(), " ")
		client, known := clients[step[1]]
		if !known {
			client = open(bootstrap, step[1])
			clients[step[1]] = client
		}
		run(ctx, client, step)
	}
	check(lines.Err())
	for _, client := range clients {
		client.Close()
	}
}

func run(ctx context.Context, client *kgo.Client, step []string) {
	switch step[0] {
	case "begin":
		check(client.BeginTransaction())
	case "flush":
		check(client.Flush(ctx))
	case "commit":
		check(client.Flush(ctx))
		check(client.EndTransaction(ctx, kgo.TryCommit))
	case "abort":
		check(client.Flush(ctx))
		check(client.EndTransaction(ctx, kgo.TryAbort))
	case "send":
		partition, err := strconv.Atoi(step[3])
		check(err)
		timestamp, err := strconv.ParseInt(step[4], 10, 64)
		check(err)
		record := &kgo.Record{
			Topic:     step[2],
			Partition: int32(partition),
			Timestamp: time.UnixMilli(timestamp),
			Key:       decode(step[5]),
			Value:     decode(step[6]),
		}
		for i := 7; i < len(step); i += 2 {
			header := kgo.RecordHeader{Key: string(decode(step[i])), Value: decode(step[i+1])}
			record.Headers = append(record.Headers, header)
		}
		client.Produce(ctx, record, func(_ *kgo.Record, err error) { check(err) })
	default:
		check(fmt.Errorf("unknown step %v", step))
	}
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

// open makes a producer for `ID@CODEC`; the id `-` is one without transactions.
func open(bootstrap, name string) *kgo.Client {
	id, codec, found := strings.Cut(name, "@")
	if !found {
		codec = "none"
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[codec]),
		kgo.ProducerLinger(time.Minute),
	}
	if id != "-" {
		options = append(options, kgo.TransactionalID(id))
	}
	client, err := kgo.NewClient(options...)
	check(err)
	return client
}

func encode(bytes []byte) string {
	if bytes == nil {
		return "-"
	}
	return base64.StdEncoding.EncodeToString(bytes)
}

func decode(text string) []byte {
	if text == "-" {
		return nil
	}
	bytes, err := base64.StdEncoding.DecodeString(text)
	check(err)
	return bytes
}
