package io.outrigger;

import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns SIGTERM and SIGINT into a graceful stop. Not by a shutdown hook: within one the process is lost
 * already, and ends with 143 however well it stopped.
 *
 * <p>{@code sun.misc.Signal} is called by reflection. Every JDK has it, in the module jdk.unsupported;
 * where one has not, or keeps signals to itself, a signal ends the process, which loses no record either.
 */
final class StopSignals implements AutoCloseable {
  /** The handlers that were there before, by signal. */
  private final Map<Object, Object> before = new LinkedHashMap<>();

  StopSignals(Runnable stop) {
    try {
      Class<?> signals = Class.forName("sun.misc.Signal");
      Class<?> handlers = Class.forName("sun.misc.SignalHandler");
      Object handler =
          Proxy.newProxyInstance(
              handlers.getClassLoader(),
              new Class<?>[] {handlers},
              (proxy, method, arguments) -> {
                stopOnce(stop);
                return null;
              });
      for (String name : List.of("TERM", "INT")) {
        Object signal = signals.getConstructor(String.class).newInstance(name);
        before.put(signal, handle(signal, handler));
      }
    } catch (ReflectiveOperationException unavailable) {
      // Said above.
    }
  }

  /** A second signal finds the handlers that were there before, and ends the process. */
  private void stopOnce(Runnable stop) {
    close();
    stop.run();
  }

  @Override
  public synchronized void close() {
    before.forEach(
        (signal, handler) -> {
          try {
            handle(signal, handler);
          } catch (ReflectiveOperationException unavailable) {
            // It was available before; and if it is not any more, there is nothing to put back.
          }
        });
    before.clear();
  }

  private static Object handle(Object signal, Object handler) throws ReflectiveOperationException {
    Class<?> handlers = Class.forName("sun.misc.SignalHandler");
    return signal.getClass().getMethod("handle", signal.getClass(), handlers).invoke(null, signal, handler);
  }
}
