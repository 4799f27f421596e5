// Package outrigger is the Go SDK of Outrigger: exactly-once, stateful stream processing on plain Kafka
// through a sidecar. Declare streams on an App, then Run it.
package outrigger

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

const (
	// Pauses between connections. Each is about a fifth of the time that was waited already, so that
	// an application which is started together with its sidecar loses next to nothing.
	backOffFirst, backOffGrowth, backOffMax = 20 * time.Millisecond, 1.2, 5 * time.Second
	// A shorter pause is nothing to be told of: a sidecar that starts is not there yet.
	backOffTold = 100 * time.Millisecond
)

// Config is how an application finds its sidecar; the zero value takes all from the environment.
type Config struct {
	// Address is `unix:/path` or `host:port`. Default: OUTRIGGER_ADDRESS.
	Address string
	// Token is the sidecar's, over TCP. Default: OUTRIGGER_TOKEN.
	Token string
	// ApplicationID is checked against the sidecar's; empty takes the sidecar's.
	ApplicationID string
	// Logger hears of connections. Default: slog.Default().
	Logger *slog.Logger
}

// App is an application: its streams, and what runs them.
type App struct {
	config   Config
	topology topology
}

// New makes an application.
func New(config Config) *App {
	if config.Address == "" {
		config.Address = os.Getenv("OUTRIGGER_ADDRESS")
	}
	if config.Token == "" {
		config.Token = os.Getenv("OUTRIGGER_TOKEN")
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return &App{config: config, topology: topology{nodes: map[string]*node{}}}
}

// Run serves until ctx ends, then stops gracefully: the record being worked on is finished, the rest
// handed back, and Run returns nil. It connects again, with back-off, whenever the sidecar goes away,
// and returns a *RejectedError when the sidecar refuses the application.
func (a *App) Run(ctx context.Context) error {
	return a.RunAt(ctx, a.config.Address, a.config.Token)
}

// ApplicationID is that of the Config.
func (a *App) ApplicationID() string { return a.config.ApplicationID }

// RunAt is Run at another address, with another token, than those of the Config.
func (a *App) RunAt(ctx context.Context, address, token string) error {
	if err := a.topology.problem(); err != nil {
		return err
	}
	if address == "" {
		return errors.New("no sidecar address: start the application with `outrigger run -- " +
			"<command>`, which sets OUTRIGGER_ADDRESS, or set Config.Address")
	}
	for tries := 0; ctx.Err() == nil; {
		wasWelcome, err := a.serve(ctx, address, token)
		var rejected *RejectedError
		if errors.As(err, &rejected) {
			return rejected
		}
		if ctx.Err() != nil {
			return nil
		}
		if tries++; wasWelcome {
			tries = 0
		}
		longest := longestBackOff(tries)
		pause := longest/2 + rand.N(longest/2)
		level := slog.LevelWarn
		if !wasWelcome && longest < backOffTold {
			level = slog.LevelDebug
		}
		a.config.Logger.Log(ctx, level, "outrigger: "+reasonOf(err), "connectingAgainIn", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return nil
}

func longestBackOff(tries int) time.Duration {
	grown := float64(backOffFirst) * math.Pow(backOffGrowth, float64(tries))
	return time.Duration(min(float64(backOffMax), grown))
}

// serve is one stream, from hello to its end.
func (a *App) serve(ctx context.Context, address, token string) (wasWelcome bool, err error) {
	c, err := connect(address, token)
	if err != nil {
		if refused := verdict(err); refused != nil {
			return false, refused
		}
		return false, err
	}
	defer c.close()
	host := &streamHost{connection: c, logger: a.config.Logger}
	host.minorNeeded = a.topology.minorNeeded
	s := newSession(a.topology.nodes, host)
	defer s.close()
	c.send(helloFrame(a.topology.build(), a.config.ApplicationID))
	unwatch := context.AfterFunc(ctx, s.stop)
	defer unwatch()
	err = c.read(s.received)
	if rejection := host.rejection(); rejection != nil {
		return host.wasWelcome, rejection
	}
	if refused := verdict(err); refused != nil {
		return host.wasWelcome, refused
	}
	return host.wasWelcome, err
}

// streamHost is what a session sees of its stream.
type streamHost struct {
	*connection
	logger     *slog.Logger
	wasWelcome bool
	// Of the protocol, by the topology.
	minorNeeded uint32
	once        sync.Mutex
	refusal     *RejectedError
}

func (h *streamHost) welcomed(welcome *pb.Welcome) {
	if err := tooOld(welcome, h.minorNeeded); err != nil {
		h.rejected(err)
		return
	}
	h.wasWelcome = true
	h.logger.Info("outrigger: serving", "application", welcome.ApplicationId,
		"sidecar", welcome.SidecarVersion)
}

func (h *streamHost) rejected(err *RejectedError) {
	h.once.Lock()
	defer h.once.Unlock()
	if h.refusal == nil {
		h.refusal = err
	}
	h.connection.cancel()
}

func (h *streamHost) rejection() *RejectedError {
	h.once.Lock()
	defer h.once.Unlock()
	return h.refusal
}

func (h *streamHost) idle() { h.connection.end() }
