package io.outrigger.examples;

import io.outrigger.Consumed;
import io.outrigger.KeyValueStore;
import io.outrigger.KeyValueStoreDefinition;
import io.outrigger.Outrigger;
import io.outrigger.ProcessorContext;
import io.outrigger.Produced;
import io.outrigger.Record;
import io.outrigger.Serdes;
import io.outrigger.Stores;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** How often each word has come: a count for each word of each line, as soon as it comes. */
public final class WordCount {
  private static final KeyValueStoreDefinition<String, Long> COUNTS =
      Stores.keyValueStore("word-counts", Serdes.utf8(), Serdes.Long());
  private static final Pattern WORD = Pattern.compile("[a-z]+");

  private WordCount() {}

  /**
   * Runs it until SIGTERM.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    Outrigger app = Outrigger.create();

    app.stream("lines", Consumed.with(Serdes.ByteArray(), Serdes.utf8()))
        .process(WordCount::count, COUNTS)
        .to("word-counts", Produced.with(Serdes.utf8(), Serdes.Long()));

    app.run();
  }

  private static void count(Record<byte[], String> line, ProcessorContext<String, Long> context) {
    KeyValueStore<String, Long> counts = context.getStateStore(COUNTS);
    String lower = line.value().toLowerCase(Locale.ROOT);
    for (MatchResult match : WORD.matcher(lower).results().toList()) {
      Long before = counts.get(match.group());
      long count = before == null ? 1 : before + 1;
      counts.put(match.group(), count);
      context.forward(match.group(), count);
    }
  }
}
