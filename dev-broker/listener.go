//go:build js

package main

import (
	"net"
	"sync"
	"syscall/js"
)

// listener hands the connections that Node accepts to kfake.
type listener struct {
	address  *net.TCPAddr
	accepted chan net.Conn
	done     chan struct{}
	once     sync.Once
}

// listen asks Node to listen on 127.0.0.1 and calls back for each connection.
func listen(port int) net.Listener {
	l := &listener{
		address:  &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port},
		accepted: make(chan net.Conn, 128),
		done:     make(chan struct{}),
	}
	accept := js.FuncOf(func(_ js.Value, args []js.Value) any {
		c := newConnection(l.address, args[0], args[1])
		l.accepted <- c
		return js.FuncOf(func(_ js.Value, args []js.Value) any {
			if args[0].IsNull() {
				c.end()
				return nil
			}
			data := make([]byte, args[0].Get("length").Int())
			js.CopyBytesToGo(data, args[0])
			c.feed(data)
			return nil
		})
	})
	js.Global().Get("outriggerDevBroker").Call("listen", port, accept)
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return l.address }
