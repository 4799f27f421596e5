package io.outrigger;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * A connected Unix domain socket, which Java knows as a channel alone. One thread reads while another
 * writes: not by java.nio.channels.Channels, whose streams of one channel wait for each other.
 * Of a Socket it has what gRPC uses; a file's socket has no TCP_NODELAY, and no time limit is set.
 */
final class UnixSocket extends Socket {
  /** Some of a batch, so that one call brings or takes what gRPC handles in pieces of 8 KiB. */
  private static final int BUFFER_BYTES = 128 * 1024;

  private final UnixDomainSocketAddress address;
  private final SocketChannel channel;
  private final InputStream input;
  private final OutputStream output;

  UnixSocket(UnixDomainSocketAddress address) throws IOException {
    this.address = address;
    channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.connect(address);
    } catch (IOException | RuntimeException error) {
      channel.close();
      throw error;
    }
    input = new Input(channel);
    output = new Output(channel);
  }

  @Override
  public InputStream getInputStream() {
    return input;
  }

  @Override
  public OutputStream getOutputStream() {
    return output;
  }

  @Override
  public SocketAddress getRemoteSocketAddress() {
    return address;
  }

  @Override
  public boolean isConnected() {
    return true;
  }

  @Override
  public boolean isClosed() {
    return !channel.isOpen();
  }

  @Override
  public void setTcpNoDelay(boolean on) {}

  @Override
  public void setSoTimeout(int timeoutMs) {}

  @Override
  public int getSoTimeout() {
    return 0;
  }

  /** Whoever reads or writes is told. */
  @Override
  public void close() throws IOException {
    channel.close();
  }

  private static final class Input extends InputStream {
    private final SocketChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).limit(0);

    Input(SocketChannel channel) {
      this.channel = channel;
    }

    @Override
    public int read() throws IOException {
      return fill() ? buffer.get() & 0xff : -1;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (length == 0) return 0;
      if (!fill()) return -1;
      int taken = Math.min(length, buffer.remaining());
      buffer.get(into, offset, taken);
      return taken;
    }

    /** False at the end. */
    private boolean fill() throws IOException {
      if (buffer.hasRemaining()) return true;
      buffer.clear();
      try {
        return channel.read(buffer) >= 0;
      } finally {
        buffer.flip();
      }
    }
  }

  private static final class Output extends OutputStream {
    private final SocketChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);

    Output(SocketChannel channel) {
      this.channel = channel;
    }

    @Override
    public void write(int one) throws IOException {
      if (!buffer.hasRemaining()) flush();
      buffer.put((byte) one);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      int end = offset + length;
      for (int at = offset; at < end; ) {
        if (!buffer.hasRemaining()) flush();
        int taken = Math.min(end - at, buffer.remaining());
        buffer.put(bytes, at, taken);
        at += taken;
      }
    }

    @Override
    public void flush() throws IOException {
      buffer.flip();
      try {
        while (buffer.hasRemaining()) channel.write(buffer);
      } finally {
        buffer.clear();
      }
    }
  }
}
