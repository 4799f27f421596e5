package outrigger

import (
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/otel"
)

// isTracing says whether a propagator is configured: OpenTelemetry's default has none, and then
// headers travel as they are.
func isTracing() bool { return len(otel.GetTextMapPropagator().Fields()) > 0 }

// carrier are headers as propagators see them.
type carrier struct{ headers []Header }

func (c *carrier) Get(key string) string {
	for _, h := range slices.Backward(c.headers) {
		if strings.EqualFold(h.Key, key) {
			return string(h.Value)
		}
	}
	return ""
}

// Set replaces the list: what it was made of may be the input's.
func (c *carrier) Set(key, value string) {
	if c.Get(key) == value {
		return
	}
	kept := slices.DeleteFunc(slices.Clone(c.headers), func(h Header) bool {
		return strings.EqualFold(h.Key, key)
	})
	c.headers = append(kept, Header{key, []byte(value)})
}

func (c *carrier) Keys() []string {
	keys := make([]string, len(c.headers))
	for i, h := range c.headers {
		keys[i] = h.Key
	}
	return keys
}

// withHeadersOf is the context that the headers carry.
func withHeadersOf(ctx context.Context, headers []Header) context.Context {
	return otel.GetTextMapPropagator().Extract(ctx, &carrier{headers})
}

// withTraceContext are the headers with ctx in them; the same list where it is in them already.
func withTraceContext(ctx context.Context, headers []Header) []Header {
	c := &carrier{headers}
	otel.GetTextMapPropagator().Inject(ctx, c)
	return c.headers
}
