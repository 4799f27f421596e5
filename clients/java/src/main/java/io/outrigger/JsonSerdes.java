package io.outrigger;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;

/** JSON by Jackson. A class of its own, so that whoever writes no JSON never loads Jackson. */
final class JsonSerdes {
  // A writer may add a field at any time: that must not stop whoever does not need it.
  private static final ObjectMapper MAPPER =
      new ObjectMapper()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private JsonSerdes() {}

  static <T> Serde<T> of(Class<T> type) {
    return of(type, MAPPER);
  }

  static <T> Serde<T> of(Class<T> type, ObjectMapper mapper) {
    String name = "Serdes.json(" + type.getSimpleName() + ".class)";
    ObjectReader reader = mapper.readerFor(type);
    // Not `writerFor`: a value of a subclass is written as what it is.
    ObjectWriter writer = mapper.writer();
    return Serde.of(
        value -> {
          try {
            return writer.writeValueAsBytes(Serdes.present(value, name));
          } catch (JacksonException error) {
            throw new SerializationException(error.getOriginalMessage(), error);
          }
        },
        bytes -> {
          try {
            return reader.readValue(Serdes.present(bytes, name));
          } catch (JacksonException error) {
            throw new SerializationException(error.getOriginalMessage(), error);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        });
  }
}
