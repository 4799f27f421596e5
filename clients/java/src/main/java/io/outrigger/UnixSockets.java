package io.outrigger;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import javax.net.SocketFactory;

/** Connects to one address, whatever host it is asked for. */
final class UnixSockets extends SocketFactory {
  private final UnixDomainSocketAddress address;

  UnixSockets(UnixDomainSocketAddress address) {
    this.address = address;
  }

  @Override
  public Socket createSocket() throws IOException {
    return new UnixSocket(address);
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int fromPort)
      throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort)
      throws IOException {
    return createSocket();
  }
}
