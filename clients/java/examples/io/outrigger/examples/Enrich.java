package io.outrigger.examples;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.outrigger.Consumed;
import io.outrigger.Outrigger;
import io.outrigger.ProcessorContext;
import io.outrigger.Produced;
import io.outrigger.Record;
import io.outrigger.Serdes;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/**
 * Orders with their customer's name, asked of a service. The call happens at least once for each record:
 * the service can tell a repeated one by its Idempotency-Key. A handler may block: other partitions go on.
 */
public final class Enrich {
  private static final String CUSTOMERS_URL =
      System.getenv().getOrDefault("CUSTOMERS_URL", "http://localhost:8080/customers");
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT).build();
  private static final ObjectMapper JSON = new ObjectMapper();

  private Enrich() {}

  /**
   * An order.
   *
   * @param customer the customer's id
   * @param cents the amount
   */
  public record Order(String customer, long cents) {}

  /**
   * An order with its customer's name.
   *
   * @param customer the customer's id
   * @param cents the amount
   * @param name the customer's name
   */
  public record EnrichedOrder(String customer, long cents, String name) {}

  /**
   * Runs it until SIGTERM.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    Outrigger app = Outrigger.create();

    app.stream("orders", Consumed.with(Serdes.utf8(), Serdes.json(Order.class)))
        .process(Enrich::enrich)
        .to("orders-enriched", Produced.with(Serdes.utf8(), Serdes.json(EnrichedOrder.class)));

    app.run();
  }

  private static void enrich(
      Record<String, Order> order, ProcessorContext<String, EnrichedOrder> context)
      throws IOException, InterruptedException {
    String customer = order.value().customer();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(CUSTOMERS_URL + "/" + customer))
            .header("Idempotency-Key", order.idempotencyKey())
            .timeout(TIMEOUT)
            .build();
    HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    // Thrown, the record fails, and is tried again by the sidecar's policy.
    if (response.statusCode() != 200) {
      throw new IOException("the service answered " + response.statusCode());
    }
    String name = JSON.readTree(response.body()).path("name").asText();
    context.forward(order.key(), new EnrichedOrder(customer, order.value().cents(), name));
  }
}
