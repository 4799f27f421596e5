package io.outrigger;

import io.grpc.ManagedChannel;
import io.grpc.okhttp.OkHttpChannelBuilder;

/**
 * Opens channels to one sidecar. By gRPC's small transport: netty is as fast once the JVM has compiled it,
 * which takes as long as a million records do (docs/adr/0035-grpc-without-netty.md).
 */
final class Channels {
  /** HTTP/2's window of what we receive: some batches, so that the sidecar never waits for our code. */
  private static final int WINDOW_BYTES = 1024 * 1024;

  /** Of a socket that is a file, which has neither name nor port: nothing is looked up. */
  private static final String NO_HOST = "dns:///127.0.0.1:1";

  private final SidecarAddress address;

  Channels(SidecarAddress address) {
    this.address = address;
  }

  ManagedChannel open() {
    // No direct executor: this transport holds a lock while it calls back, and takes it to send. A
    // session, which has a lock of its own for both, would wait for itself.
    return builder()
        .usePlaintext()
        .disableRetry()
        // The sidecar is next door: a proxy of the JVM's settings is for others.
        .proxyDetector(target -> null)
        .flowControlWindow(WINDOW_BYTES)
        .maxInboundMessageSize(Chunks.MAX_FRAME_BYTES)
        .build();
  }

  private OkHttpChannelBuilder builder() {
    if (address.socket() == null) {
      return OkHttpChannelBuilder.forAddress(address.host(), address.port());
    }
    return OkHttpChannelBuilder.forTarget(NO_HOST)
        .socketFactory(new UnixSockets(address.socket()))
        .overrideAuthority("localhost");
  }
}
