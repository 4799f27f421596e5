package outrigger

import pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"

// Number is what Sum, Min and Max read values as, and write: an int64 as Int64, a float64 as Double, an
// int32 as Int32. Integers wrap, as Java's. Whatever Go makes of a value, its bytes must be such a number's;
// a record with others fails. A record without a value is skipped.
type Number interface{ int64 | float64 | int32 }

// Sum adds the values of each key up, in the sidecar: Sum[int64](grouped).
func Sum[N Number, K, V any](g KGroupedStream[K, V], opts ...Option) KStream[K, N] {
	return addTo[K, V, N](g, sums.of(numberOf[N]()), erase(serdeOf[N]()), opts)
}

// SumWindows adds the values of each key and window up, in the sidecar.
func SumWindows[N Number, K, V any](
	g TimeWindowedKStream[K, V], opts ...Option,
) KStream[Windowed[K], N] {
	return addWindows[K, V, N](g, sums.of(numberOf[N]()), erase(serdeOf[N]()), opts)
}

// SumSessions adds the values of each key and session up, in the sidecar; a session that is merged into
// another one is forwarded as nil.
func SumSessions[N Number, K, V any](
	g SessionWindowedKStream[K, V], opts ...Option,
) KStream[Windowed[K], *N] {
	return addSessions[K, V, *N](g, sums.of(numberOf[N]()), erase(Nullable(serdeOf[N]())), opts)
}

// Min keeps the least value of each key, in the sidecar.
func Min[N Number, K, V any](g KGroupedStream[K, V], opts ...Option) KStream[K, N] {
	return addTo[K, V, N](g, minima.of(numberOf[N]()), erase(serdeOf[N]()), opts)
}

// MinWindows keeps the least value of each key and window, in the sidecar.
func MinWindows[N Number, K, V any](
	g TimeWindowedKStream[K, V], opts ...Option,
) KStream[Windowed[K], N] {
	return addWindows[K, V, N](g, minima.of(numberOf[N]()), erase(serdeOf[N]()), opts)
}

// MinSessions keeps the least value of each key and session, in the sidecar; a session that is merged into
// another one is forwarded as nil.
func MinSessions[N Number, K, V any](
	g SessionWindowedKStream[K, V], opts ...Option,
) KStream[Windowed[K], *N] {
	return addSessions[K, V, *N](g, minima.of(numberOf[N]()), erase(Nullable(serdeOf[N]())), opts)
}

// Max keeps the greatest value of each key, in the sidecar.
func Max[N Number, K, V any](g KGroupedStream[K, V], opts ...Option) KStream[K, N] {
	return addTo[K, V, N](g, maxima.of(numberOf[N]()), erase(serdeOf[N]()), opts)
}

// MaxWindows keeps the greatest value of each key and window, in the sidecar.
func MaxWindows[N Number, K, V any](
	g TimeWindowedKStream[K, V], opts ...Option,
) KStream[Windowed[K], N] {
	return addWindows[K, V, N](g, maxima.of(numberOf[N]()), erase(serdeOf[N]()), opts)
}

// MaxSessions keeps the greatest value of each key and session, in the sidecar; a session that is merged
// into another one is forwarded as nil.
func MaxSessions[N Number, K, V any](
	g SessionWindowedKStream[K, V], opts ...Option,
) KStream[Windowed[K], *N] {
	return addSessions[K, V, *N](g, maxima.of(numberOf[N]()), erase(Nullable(serdeOf[N]())), opts)
}

var (
	sums   = aggregation{what: "sum", aggregator: pb.Aggregator_AGGREGATOR_SUM}
	minima = aggregation{what: "min", aggregator: pb.Aggregator_AGGREGATOR_MIN}
	maxima = aggregation{what: "max", aggregator: pb.Aggregator_AGGREGATOR_MAX}
)

func (a aggregation) of(number pb.NumberType) aggregation {
	a.number = number
	return a
}

func numberOf[N Number]() pb.NumberType {
	switch any(*new(N)).(type) {
	case int64:
		return pb.NumberType_NUMBER_TYPE_INT64
	case float64:
		return pb.NumberType_NUMBER_TYPE_FLOAT64
	default:
		return pb.NumberType_NUMBER_TYPE_INT32
	}
}

func serdeOf[N Number]() Serde[N] {
	for _, one := range []any{Int64, Double, Int32} {
		if serde, fits := one.(Serde[N]); fits {
			return serde
		}
	}
	panic("a number without a serde")
}
