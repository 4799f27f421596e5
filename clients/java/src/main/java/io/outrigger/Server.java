package io.outrigger;

import io.outrigger.gen.v1.Hello;
import io.outrigger.gen.v1.ProcessRequest;
import io.outrigger.gen.v1.Sdk;
import io.outrigger.gen.v1.Welcome;
import java.lang.System.Logger.Level;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;

/** Serves one sidecar, stream after stream, on a thread of its own. */
final class Server implements Runnable {
  static final String SDK_NAME = "io.outrigger:outrigger-client";
  static final String SDK_VERSION = "0.1.0";

  private static final System.Logger LOG = System.getLogger("io.outrigger");
  private static final int PROTOCOL_MINOR = 6;

  private final OutriggerBuilder options;
  private final TopologyBuilder topology;
  private final CompletableFuture<Void> terminated;
  private final ProcessRequest hello;
  private final Channels channels;
  private final ExecutorService executor = TaskThreads.create();
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final BackOff backOff = new BackOff();
  private Session session;

  /** Fails where the address is none. */
  Server(OutriggerBuilder options, TopologyBuilder topology, CompletableFuture<Void> terminated) {
    this.options = options;
    this.topology = topology;
    this.terminated = terminated;
    this.channels = new Channels(SidecarAddress.parse(options.address));
    this.hello = hello(options, topology);
  }

  /** The thread keeps the process alive until the application is stopped. */
  void start() {
    Thread thread = new Thread(this, "outrigger");
    thread.setDaemon(false);
    thread.start();
  }

  synchronized void stop() {
    stopping.countDown();
    if (session != null) session.stop();
  }

  @Override
  public void run() {
    Throwable failure = null;
    try {
      serve();
    } catch (Throwable error) {
      failure = error;
    } finally {
      // A handler that hangs does not keep the application; its thread is a daemon.
      executor.shutdown();
    }
    if (failure == null) terminated.complete(null);
    else terminated.completeExceptionally(failure);
  }

  private void serve() throws Throwable {
    while (stopping.getCount() > 0) {
      Stream stream = new Stream();
      Connection.Ended ended = stream.serve();
      Throwable failure = stream.failure == null ? ended.fatal() : stream.failure;
      if (failure != null) throw failure;
      if (stopping.getCount() == 0) return;
      long delayMs = backOff.nextMs(stream.wasWelcome);
      boolean isTold = stream.wasWelcome || delayMs >= BackOff.TOLD_MS;
      Level level = isTold ? Level.WARNING : Level.DEBUG;
      LOG.log(level, "{0}; connecting again in {1} ms", ended.reason(), delayMs);
      stopping.await(delayMs, TimeUnit.MILLISECONDS);
    }
  }

  private synchronized void setSession(Session next) {
    session = next;
    if (next != null && stopping.getCount() == 0) next.stop();
  }

  /** One stream, from hello to its end. */
  private final class Stream implements Session.Host {
    private final Connection connection = new Connection(channels.open());
    private final Session session = new Session(topology.nodes(), executor, this);
    private volatile boolean wasWelcome;
    private volatile Throwable failure;

    Connection.Ended serve() throws Exception {
      connection.start(options.token, session::received);
      connection.send(SentFrame.of(hello));
      setSession(session);
      try {
        return connection.ended().get();
      } finally {
        setSession(null);
        session.close();
      }
    }

    @Override
    public void send(SentFrame frame) {
      connection.send(frame);
    }

    @Override
    public void welcomed(Welcome welcome) {
      wasWelcome = topology.isServedBy(welcome, this);
      if (!wasWelcome) return;
      String sidecar = welcome.getSidecarVersion();
      LOG.log(Level.INFO, "serving {0}, sidecar {1}", welcome.getApplicationId(), sidecar);
    }

    @Override
    public void rejected(OutriggerRejectedException error) {
      failed(error);
    }

    @Override
    public void failed(Throwable error) {
      if (failure == null) failure = error;
      connection.cancel(String.valueOf(error.getMessage()));
    }

    @Override
    public void idle() {
      connection.end();
    }
  }

  private static ProcessRequest hello(OutriggerBuilder options, TopologyBuilder topology) {
    Sdk.Builder sdk =
        Sdk.newBuilder()
            .setName(SDK_NAME)
            .setVersion(SDK_VERSION)
            .setRuntime("java " + System.getProperty("java.version"));
    Hello.Builder hello =
        Hello.newBuilder()
            .setProtocolMinor(PROTOCOL_MINOR)
            .setSdk(sdk)
            .setTopology(topology.build())
            .setMaxFrameBytes(Chunks.MAX_FRAME_BYTES)
            .setMaxMessageBytes(Chunks.MAX_MESSAGE_BYTES)
            .setApplicationId(options.applicationId);
    return ProcessRequest.newBuilder().setHello(hello).build();
  }
}
