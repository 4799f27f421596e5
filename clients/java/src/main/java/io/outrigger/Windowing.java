package io.outrigger;

import io.outrigger.gen.v1.Aggregate;
import io.outrigger.gen.v1.HoppingWindows;
import io.outrigger.gen.v1.StoreKind;
import io.outrigger.gen.v1.TumblingWindows;
import java.util.function.Consumer;

/**
 * The windows of an aggregate, whatever their kind.
 *
 * @param sizeMs from a window's start to its end; sessions have one each
 * @param declared says of an aggregate what its windows are
 */
record Windowing(Kind kind, long sizeMs, Consumer<Aggregate.Builder> declared) {
  enum Kind {
    TIME,
    SLIDING,
    SESSION
  }

  static Windowing of(TimeWindows windows) {
    if (windows.advanceMs() == windows.sizeMs()) {
      var tumbling =
          TumblingWindows.newBuilder()
              .setSizeMs(windows.sizeMs())
              .setGraceMs(windows.gracePeriodMs());
      return new Windowing(Kind.TIME, windows.sizeMs(), to -> to.setTumbling(tumbling));
    }
    var hopping =
        HoppingWindows.newBuilder()
            .setSizeMs(windows.sizeMs())
            .setAdvanceMs(windows.advanceMs())
            .setGraceMs(windows.gracePeriodMs());
    return new Windowing(Kind.TIME, windows.sizeMs(), to -> to.setHopping(hopping));
  }

  static Windowing of(SlidingWindows windows) {
    var sliding =
        io.outrigger.gen.v1.SlidingWindows.newBuilder()
            .setTimeDifferenceMs(windows.timeDifferenceMs())
            .setGraceMs(windows.gracePeriodMs());
    return new Windowing(Kind.SLIDING, windows.timeDifferenceMs(), to -> to.setSliding(sliding));
  }

  static Windowing of(SessionWindows windows) {
    var session =
        io.outrigger.gen.v1.SessionWindows.newBuilder()
            .setGapMs(windows.inactivityGap())
            .setGraceMs(windows.gracePeriodMs());
    return new Windowing(Kind.SESSION, 0, to -> to.setSession(session));
  }

  StoreKind storeKind() {
    return kind == Kind.SESSION ? StoreKind.STORE_KIND_SESSION : StoreKind.STORE_KIND_WINDOW;
  }

  /** How windowed keys are written; null where it is not known how keys are. */
  Serde<?> keySerde(Serde<?> key) {
    if (key == null) return null;
    return kind == Kind.SESSION ? new SessionWindowedSerde<>(key) : new WindowedSerde<>(key, sizeMs);
  }

  Window window(BatchState state, int slot) {
    long start = state.windowStart(slot);
    return new Window(start, start + (kind == Kind.SESSION ? state.sessionLength(slot) : sizeMs));
  }
}
