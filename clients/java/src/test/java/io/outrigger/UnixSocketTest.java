package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class UnixSocketTest {
  /** More than buffers of both ends hold. */
  private static final int MUCH = 3_000_001;

  @TempDir Path folder;
  private UnixDomainSocketAddress address;
  private ServerSocketChannel server;
  private UnixSocket socket;
  private SocketChannel peer;

  @BeforeEach
  void connect() throws IOException {
    address = UnixDomainSocketAddress.of(folder.resolve("s.sock"));
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address);
    socket = (UnixSocket) new UnixSockets(address).createSocket("anywhere", 1);
    peer = server.accept();
  }

  @AfterEach
  void close() throws IOException {
    socket.close();
    peer.close();
    server.close();
  }

  @Test
  void bytesPassBothWaysAtOnce() throws Exception {
    byte[] bytes = new byte[MUCH];
    new Random(42).nextBytes(bytes);
    CompletableFuture<Void> echo = CompletableFuture.runAsync(this::echo);
    CompletableFuture<Void> written =
        CompletableFuture.runAsync(() -> unchecked(() -> writeUnevenly(bytes)));
    byte[] read = socket.getInputStream().readNBytes(MUCH);
    written.get();
    assertArrayEquals(bytes, read);
    socket.close();
    echo.get();
  }

  @Test
  void whatIsWrittenLeavesWhenItIsFlushed() throws IOException {
    socket.getOutputStream().write(200);
    socket.getOutputStream().write(new byte[] {1, 2, 3}, 1, 2);
    peer.configureBlocking(false);
    assertEquals(0, peer.read(ByteBuffer.allocate(8)));
    socket.getOutputStream().flush();
    peer.configureBlocking(true);
    ByteBuffer got = ByteBuffer.allocate(8);
    while (got.position() < 3) peer.read(got);
    assertArrayEquals(new byte[] {(byte) 200, 2, 3}, Arrays.copyOf(got.array(), 3));
  }

  @Test
  void theEndOfThePeerIsTheEndOfWhatIsRead() throws IOException {
    peer.write(ByteBuffer.wrap(new byte[] {(byte) 255}));
    peer.close();
    assertEquals(0, socket.getInputStream().read(new byte[0]));
    assertEquals(255, socket.getInputStream().read());
    assertEquals(-1, socket.getInputStream().read());
    assertEquals(-1, socket.getInputStream().read(new byte[8], 0, 8));
  }

  @Test
  void whoeverReadsIsToldThatItWasClosed() throws Exception {
    CompletableFuture<Integer> reading =
        CompletableFuture.supplyAsync(() -> unchecked(() -> socket.getInputStream().read()));
    TimeUnit.MILLISECONDS.sleep(100);
    assertFalse(socket.isClosed());
    socket.close();
    assertTrue(socket.isClosed());
    var error = assertThrows(ExecutionException.class, () -> reading.get(5, TimeUnit.SECONDS));
    assertTrue(error.getCause().getCause() instanceof IOException, error::toString);
    assertThrows(
        IOException.class,
        () -> {
          socket.getOutputStream().write(1);
          socket.getOutputStream().flush();
        });
  }

  @Test
  void nobodyListensThere() {
    var nowhere = new UnixSockets(UnixDomainSocketAddress.of(folder.resolve("none.sock")));
    assertThrows(IOException.class, nowhere::createSocket);
  }

  private void writeUnevenly(byte[] bytes) throws IOException {
    var output = socket.getOutputStream();
    int at = 0;
    for (int step = 1; at < bytes.length; step = step * 3 + 1) {
      int length = Math.min(step, bytes.length - at);
      output.write(bytes, at, length);
      if (step % 2 == 1) output.flush();
      at += length;
    }
    output.flush();
  }

  private void echo() {
    ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
    unchecked(
        () -> {
          while (peer.read(buffer) >= 0) {
            buffer.flip();
            while (buffer.hasRemaining()) peer.write(buffer);
            buffer.clear();
          }
          return null;
        });
  }

  private interface Action<T> {
    T run() throws IOException;
  }

  private interface Step {
    void run() throws IOException;
  }

  private static void unchecked(Step step) {
    unchecked(
        () -> {
          step.run();
          return null;
        });
  }

  private static <T> T unchecked(Action<T> action) {
    try {
      return action.run();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
