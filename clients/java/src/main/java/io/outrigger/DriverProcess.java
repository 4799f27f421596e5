package io.outrigger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A test driver's process. It ends with its standard input: one whose test has died ends too. */
final class DriverProcess {
  private static final int STOP_TIMEOUT_SECONDS = 10;

  final String address;
  final String token;
  private final Process process;

  private DriverProcess(Process process, String address, String token) {
    this.process = process;
    this.address = address;
    this.token = token;
  }

  /** Starts it, and waits for the line that says where it listens. */
  static DriverProcess start(List<String> command, List<String> arguments) {
    List<String> line = new ArrayList<>(command == null ? sidecarCommand() : command);
    line.add("test-driver");
    line.addAll(arguments);
    try {
      Process process =
          new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
      String said = output.readLine();
      if (said == null) throw new IOException("it ended with " + process.waitFor());
      JsonNode at = new ObjectMapper().readTree(said);
      return new DriverProcess(process, at.get("address").asText(), at.get("token").asText());
    } catch (IOException error) {
      String text =
          "`%s` cannot be started (%s): install the package outrigger of npm, or set OUTRIGGER_BIN "
              + "to its command";
      throw new IllegalStateException(
          text.formatted(String.join(" ", line), error.getMessage()), error);
    } catch (InterruptedException interrupt) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the test driver started", interrupt);
    }
  }

  /** OUTRIGGER_BIN, `outrigger` of the path, or npx. */
  private static List<String> sidecarCommand() {
    String given = System.getenv("OUTRIGGER_BIN");
    if (given != null && !given.isEmpty()) {
      return given.endsWith(".js") ? List.of("node", given) : List.of(given);
    }
    String path = String.valueOf(System.getenv("PATH"));
    boolean isThere =
        Stream.of(path.split(File.pathSeparator))
            .anyMatch(folder -> new File(folder, "outrigger").canExecute());
    return isThere ? List.of("outrigger") : List.of("npx", "--yes", "outrigger");
  }

  void stop() {
    try {
      process.getOutputStream().close();
      if (!process.waitFor(STOP_TIMEOUT_SECONDS, TimeUnit.SECONDS)) process.destroyForcibly();
    } catch (IOException error) {
      process.destroyForcibly();
    } catch (InterruptedException interrupt) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
