//go:build js

// The embedded broker: franz-go's kfake, compiled to WebAssembly, in memory. For development and
// quick tests only; it proves nothing.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall/js"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"
)

func main() {
	port, err := strconv.Atoi(os.Getenv("PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "PORT is no number")
		os.Exit(2)
	}
	cluster, err := kfake.NewCluster(
		kfake.Ports(port),
		kfake.NumBrokers(1),
		kfake.DefaultNumPartitions(4),
		kfake.MaxVersions(versions()),
		kfake.BrokerConfigs(map[string]string{
			// Records of the past are welcome: a broker deletes by record timestamp.
			"log.retention.ms": "-1",
			// A member that was killed keeps its partitions for this long, not for 45 s.
			"group.consumer.session.timeout.ms": "6000",
			// Compaction is seen within seconds.
			"log.cleaner.backoff.ms": "1000",
		}),
		kfake.ListenFn(func(_, address string) (net.Listener, error) {
			_, text, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			at, err := strconv.Atoi(text)
			if err != nil {
				return nil, err
			}
			return listen(at), nil
		}),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	js.Global().Get("outriggerDevBroker").Call("ready")
	stop := make(chan struct{})
	js.Global().Get("outriggerDevBroker").Set("stop", js.FuncOf(func(js.Value, []js.Value) any {
		close(stop)
		return nil
	}))
	<-stop
	cluster.Close()
}

// versions leaves out what kfake answers in a way that Java's admin client cannot read.
func versions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(19, 4)  // CreateTopics: nullable arrays from 5 on
	v.SetMaxKeyVersion(75, -1) // DescribeTopicPartitions
	return v
}
