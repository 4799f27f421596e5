package io.outrigger;

import java.net.UnixDomainSocketAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where the sidecar is: a socket's path, or a host and a port.
 *
 * @param socket null for a host and a port
 * @param host null for a socket
 */
record SidecarAddress(UnixDomainSocketAddress socket, String host, int port) {
  private static final String UNIX = "unix:";
  private static final Pattern HOST_AND_PORT = Pattern.compile("(?:\\[(.+)\\]|([^:]+)):(\\d{1,5})");
  private static final int PORT_MAX = 65_535;

  static SidecarAddress parse(String address) {
    if (address == null || address.isEmpty()) {
      throw new IllegalStateException(
          "no sidecar address: start the application with `outrigger run -- <command>`, which sets "
              + "OUTRIGGER_ADDRESS, or give the builder an address");
    }
    if (address.startsWith(UNIX) && address.length() > UNIX.length()) {
      var socket = UnixDomainSocketAddress.of(address.substring(UNIX.length()));
      return new SidecarAddress(socket, null, 0);
    }
    Matcher matcher = HOST_AND_PORT.matcher(address);
    if (matcher.matches() && Integer.parseInt(matcher.group(3)) <= PORT_MAX) {
      String host = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
      return new SidecarAddress(null, host, Integer.parseInt(matcher.group(3)));
    }
    throw new IllegalStateException(
        "\"" + address + "\" is no sidecar address: write unix:/path or host:port");
  }
}
