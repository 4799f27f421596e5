package outrigger

// Defaults is an application with serdes for the streams that name none: Kafka Streams'
// default.key.serde and default.value.serde.
type Defaults[K, V any] struct {
	app   *App
	key   Serde[K]
	value Serde[V]
}

// WithDefaultSerdes gives an application default serdes.
func WithDefaultSerdes[K, V any](app *App, key Serde[K], value Serde[V]) Defaults[K, V] {
	return Defaults[K, V]{app, key, value}
}

// Stream reads topics with the default serdes.
func (d Defaults[K, V]) Stream(topics []string, opts ...Option) KStream[K, V] {
	return Stream(d.app, d.key, d.value, topics, opts...)
}

// To writes a topic that must exist with the default serdes.
func (d Defaults[K, V]) To(stream KStream[K, V], topic string, opts ...Option) {
	stream.To(topic, d.key, d.value, opts...)
}
