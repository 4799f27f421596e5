package io.outrigger.examples;

import io.outrigger.Consumed;
import io.outrigger.KeyValueStore;
import io.outrigger.KeyValueStoreDefinition;
import io.outrigger.Outrigger;
import io.outrigger.ProcessorContext;
import io.outrigger.Produced;
import io.outrigger.Record;
import io.outrigger.Serde;
import io.outrigger.Serdes;
import io.outrigger.Stores;

/** Payments that were sent more than once, each only once: remembers the ids it has seen. */
public final class Deduplicate {
  private static final Serde<Payment> PAYMENT = Serdes.json(Payment.class);
  private static final KeyValueStoreDefinition<String, Long> SEEN =
      Stores.keyValueStore("seen-payments", Serdes.utf8(), Serdes.Long());

  private Deduplicate() {}

  /**
   * A payment.
   *
   * @param id the same for the same payment
   * @param cents the amount
   */
  public record Payment(String id, long cents) {}

  /**
   * Runs it until SIGTERM.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    Outrigger app = Outrigger.create();

    app.stream("payments", Consumed.with(Serdes.utf8(), PAYMENT))
        .process(Deduplicate::once, SEEN)
        .to("payments-once", Produced.with(Serdes.utf8(), PAYMENT));

    app.run();
  }

  private static void once(
      Record<String, Payment> payment, ProcessorContext<String, Payment> context) {
    KeyValueStore<String, Long> seen = context.getStateStore(SEEN);
    String id = payment.value().id();
    if (seen.get(id) != null) return;
    seen.put(id, payment.timestamp());
    context.forward(payment);
  }
}
