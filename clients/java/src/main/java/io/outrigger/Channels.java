package io.outrigger;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.buffer.UnpooledByteBufAllocator;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.WriteBufferWaterMark;
import io.grpc.netty.shaded.io.netty.channel.nio.NioEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * Opens channels to one sidecar, all of them served by one thread. Java has Unix domain sockets of its
 * own since 16, which netty knows: no native library, and the same on every system that has them.
 */
final class Channels implements AutoCloseable {
  /** HTTP/2's window of what we receive: some batches, so that the sidecar never waits for our code. */
  private static final int WINDOW_BYTES = 1024 * 1024;

  /**
   * Netty's pool is much code to compile, for the few buffers that are in use at a time; and so is what
   * looks for leaks in it.
   */
  private static final ByteBufAllocator BUFFERS = new UnpooledByteBufAllocator(true, true);

  /**
   * Above what the window of a sidecar lets us write, so that a result goes in one piece; what there is
   * to write is bounded by the credit.
   */
  private static final WriteBufferWaterMark WRITES =
      new WriteBufferWaterMark(WINDOW_BYTES, 4 * WINDOW_BYTES);

  private final SidecarAddress address;
  private final EventLoopGroup eventLoop =
      new NioEventLoopGroup(1, new DefaultThreadFactory("outrigger-io", true));

  Channels(SidecarAddress address) {
    this.address = address;
  }

  ManagedChannel open() {
    return builder()
        .eventLoopGroup(eventLoop)
        .directExecutor()
        .usePlaintext()
        .disableRetry()
        // The sidecar is next door: a proxy of the JVM's settings is for others.
        .proxyDetector(target -> null)
        .flowControlWindow(WINDOW_BYTES)
        .withOption(ChannelOption.ALLOCATOR, BUFFERS)
        .withOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WRITES)
        .maxInboundMessageSize(Chunks.MAX_FRAME_BYTES)
        .build();
  }

  private NettyChannelBuilder builder() {
    if (address.socket() == null) {
      return NettyChannelBuilder.forAddress(address.host(), address.port())
          .channelType(NioSocketChannel.class);
    }
    return NettyChannelBuilder.forAddress(address.socket())
        .channelType(NioDomainSocketChannel.class)
        // gRPC sets it for every socket, and netty warns that these have none: null takes it back.
        .withOption(ChannelOption.SO_KEEPALIVE, null)
        .overrideAuthority("localhost");
  }

  @Override
  public void close() {
    eventLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
