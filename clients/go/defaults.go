package outrigger

import "regexp"

// Defaults is an application with serdes for the streams that name none: Kafka Streams'
// default.key.serde and default.value.serde.
type Defaults[K, V any] struct {
	app   *App
	key   Serde[K]
	value Serde[V]
}

// WithDefaultSerdes gives an application default serdes. They are also for records of these types that
// leave your code to be grouped or repartitioned, declared after it, where nothing else says.
func WithDefaultSerdes[K, V any](app *App, key Serde[K], value Serde[V]) Defaults[K, V] {
	t := &app.topology
	t.defaultKeys = append(t.defaultKeys, key)
	t.defaultValues = append(t.defaultValues, value)
	return Defaults[K, V]{app, key, value}
}

// Stream reads topics with the default serdes.
func (d Defaults[K, V]) Stream(topics []string, opts ...Option) KStream[K, V] {
	return Stream(d.app, d.key, d.value, topics, opts...)
}

// StreamPattern reads the topics that the pattern matches with the default serdes.
func (d Defaults[K, V]) StreamPattern(pattern *regexp.Regexp, opts ...Option) KStream[K, V] {
	return StreamPattern(d.app, d.key, d.value, pattern, opts...)
}

// To writes a topic that must exist with the default serdes.
func (d Defaults[K, V]) To(stream KStream[K, V], topic string, opts ...Option) {
	stream.To(topic, d.key, d.value, opts...)
}
