package outriggertest

import (
	outrigger "github.com/outrigger-io/outrigger/clients/go"
	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// Record is a record as a test writes or reads it.
type Record[K, V any] struct {
	Key   K
	Value V
	// Timestamp is in ms since the epoch; 0 takes the driver's clock when it is piped.
	Timestamp int64
	Headers   []outrigger.Header
	// Partition is given by Output; Input leaves it to the key, as Java's client does.
	Partition int32
	Offset    int64
}

// InputTopic is what records are piped into.
type InputTopic[K, V any] struct {
	driver *Driver
	topic  string
	key    outrigger.Serde[K]
	value  outrigger.Serde[V]
}

// Input is a topic that the application reads.
func Input[K, V any](
	d *Driver, topic string, key outrigger.Serde[K], value outrigger.Serde[V],
) InputTopic[K, V] {
	return InputTopic[K, V]{d, topic, key, value}
}

// Pipe appends records, and returns when nothing is left to do without time passing. It fails the test
// where a task has stopped at a record.
func (i InputTopic[K, V]) Pipe(records ...Record[K, V]) Settled {
	i.driver.t.Helper()
	settled, err := i.TryPipe(records...)
	i.driver.must(err)
	return settled
}

// TryPipe is Pipe, but that it returns why a task has stopped.
func (i InputTopic[K, V]) TryPipe(records ...Record[K, V]) (Settled, error) {
	i.driver.t.Helper()
	asked := &pb.PipeInputRequest{Topic: i.topic, TimeoutMs: i.driver.timeout}
	for _, record := range records {
		key, err := i.key.Serialize(record.Key)
		i.driver.must(err)
		value, err := i.value.Serialize(record.Value)
		i.driver.must(err)
		sent := &pb.DriverRecord{Key: key, Value: value}
		for _, header := range record.Headers {
			sent.Headers = append(sent.Headers, &pb.DriverHeader{Key: header.Key, Value: header.Value})
		}
		if record.Timestamp != 0 {
			sent.Timestamp = &record.Timestamp
		}
		asked.Records = append(asked.Records, sent)
	}
	answer := &pb.PipeInputResponse{}
	if err := i.driver.call("PipeInput", asked, answer); err != nil {
		return Settled{}, err
	}
	return settledOf(answer.Settled)
}

// OutputTopic is what records are read from.
type OutputTopic[K, V any] struct {
	driver *Driver
	topic  string
	key    outrigger.Serde[K]
	value  outrigger.Serde[V]
}

// Output is any topic: one that the application writes, or that of its dead letters.
func Output[K, V any](
	d *Driver, topic string, key outrigger.Serde[K], value outrigger.Serde[V],
) OutputTopic[K, V] {
	return OutputTopic[K, V]{d, topic, key, value}
}

// Read returns the committed records that were not read yet, in the order they were written.
func (o OutputTopic[K, V]) Read() []Record[K, V] {
	o.driver.t.Helper()
	var found []Record[K, V]
	for more := true; more; {
		answer := &pb.ReadOutputResponse{}
		o.driver.must(o.driver.call("ReadOutput", &pb.ReadOutputRequest{Topic: o.topic}, answer))
		for _, read := range answer.Records {
			key, err := o.key.Deserialize(read.Key)
			o.driver.must(err)
			value, err := o.value.Deserialize(read.Value)
			o.driver.must(err)
			record := Record[K, V]{
				Key: key, Value: value, Timestamp: read.GetTimestamp(),
				Partition: int32(read.GetPartition()), Offset: read.Offset,
			}
			for _, header := range read.Headers {
				record.Headers = append(record.Headers,
					outrigger.Header{Key: header.Key, Value: header.Value})
			}
			found = append(found, record)
		}
		more = answer.More
	}
	return found
}
