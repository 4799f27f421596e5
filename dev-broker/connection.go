//go:build js

package main

import (
	"io"
	"net"
	"sync"
	"syscall/js"
	"time"
)

// connection is a net.Conn over a socket of Node: Node feeds what it received, and is called to write.
type connection struct {
	address *net.TCPAddr
	write   js.Value
	finish  js.Value

	mu       sync.Mutex
	received []byte
	ended    bool
	closed   bool
	wake     chan struct{}
}

func newConnection(address *net.TCPAddr, write, finish js.Value) *connection {
	return &connection{address: address, write: write, finish: finish, wake: make(chan struct{}, 1)}
}

func (c *connection) feed(data []byte) {
	c.mu.Lock()
	c.received = append(c.received, data...)
	c.mu.Unlock()
	c.signal()
}

func (c *connection) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.signal()
}

func (c *connection) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *connection) Read(into []byte) (int, error) {
	for {
		c.mu.Lock()
		n := copy(into, c.received)
		c.received = c.received[n:]
		over := c.ended || c.closed
		c.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if over {
			return 0, io.EOF
		}
		<-c.wake
	}
}

func (c *connection) Write(data []byte) (int, error) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	copied := js.Global().Get("Uint8Array").New(len(data))
	js.CopyBytesToJS(copied, data)
	c.write.Invoke(copied)
	return len(data), nil
}

func (c *connection) Close() error {
	c.mu.Lock()
	was := c.closed
	c.closed = true
	c.mu.Unlock()
	if !was {
		c.finish.Invoke()
		c.signal()
	}
	return nil
}

func (c *connection) LocalAddr() net.Addr              { return c.address }
func (c *connection) RemoteAddr() net.Addr             { return c.address }
func (c *connection) SetDeadline(time.Time) error      { return nil }
func (c *connection) SetReadDeadline(time.Time) error  { return nil }
func (c *connection) SetWriteDeadline(time.Time) error { return nil }
