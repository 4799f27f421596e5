package io.outrigger.examples;

import io.outrigger.Materialized;
import io.outrigger.Outrigger;
import io.outrigger.Produced;
import io.outrigger.Serdes;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** How often each word has come, in whatever partition: each goes to the task that counts it. */
public final class WordTotals {
  private static final Pattern WORD = Pattern.compile("[a-z]+");

  private WordTotals() {}

  static Outrigger application() {
    Outrigger app =
        Outrigger.builder()
            .defaultKeySerde(Serdes.utf8())
            .defaultValueSerde(Serdes.utf8())
            .build();

    app.<String, String>stream("sentences")
        .flatMapValues(WordTotals::words)
        .groupBy((key, word) -> word)
        .count(Materialized.as("word-totals"))
        .to("word-totals", Produced.with(Serdes.utf8(), Serdes.Long()));

    return app;
  }

  private static List<String> words(String sentence) {
    String lower = sentence.toLowerCase(Locale.ROOT);
    return WORD.matcher(lower).results().map(MatchResult::group).toList();
  }

  /**
   * Runs it until SIGTERM.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    application().run();
  }
}
