#!/usr/bin/env bash
# package.sh <empty folder>: builds the jar with its sources and its javadoc, installs them into an empty
# repository there, and compiles a program of an empty Maven project that depends on it. With
# OUTRIGGER_ADDRESS set the program then serves, from `in` to `out`, until SIGTERM; without, `ok` is the
# last line.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
cd "$1"
folder="$PWD"
group=io.outrigger artifact=outrigger-client
plugin=org.apache.maven.plugins

# The pom's own elements are indented by two; the first version is the SDK's.
version="$(sed -n 's:^  <version>\(.*\)</version>$:\1:p' "$here/pom.xml")"
version_of() {
  grep -A 1 "<artifactId>$1</artifactId>" "$here/pom.xml" |
    sed -n 's:.*<version>\(.*\)</version>.*:\1:p'
}
quietly() { "$@" > build.log 2>&1 || { cat build.log >&2; exit 1; }; }

built="$here/target/$artifact-$version"
quietly mvn -q -B -f "$here/pom.xml" -DskipTests package source:jar-no-fork javadoc:jar
quietly mvn -q -B "$plugin:maven-install-plugin:$(version_of maven-install-plugin):install-file" \
  -DlocalRepositoryPath="$folder/repository" -DpomFile="$here/pom.xml" -Dfile="$built.jar" \
  -Dsources="$built-sources.jar" -Djavadoc="$built-javadoc.jar"

mkdir -p app/src/main/java
cat > app/src/main/java/App.java <<'END'
import io.outrigger.Outrigger;
import io.outrigger.Serdes;

public final class App {
  public static void main(String[] arguments) {
    Outrigger app =
        Outrigger.builder().defaultKeySerde(Serdes.utf8()).defaultValueSerde(Serdes.utf8()).build();
    app.<String, String>stream("in").mapValues(value -> value.toUpperCase()).to("out");
    app.run();
  }
}
END
# From the user's repository first, as a remote one, what it has; this project's own is empty.
repositories() {
  for one in "packaged file://$folder/repository" "cached file://$HOME/.m2/repository"; do
    echo "<$1><id>${one% *}</id><url>${one#* }</url></$1>"
  done
}
cat > app/pom.xml <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>empty</groupId>
  <artifactId>empty</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <repositories>$(repositories repository)</repositories>
  <pluginRepositories>$(repositories pluginRepository)</pluginRepositories>
  <dependencies>
    <dependency>
      <groupId>$group</groupId>
      <artifactId>$artifact</artifactId>
      <version>$version</version>
    </dependency>
  </dependencies>
</project>
END
cd app
plugins=()
for each in resources:resources compiler:compile dependency:copy-dependencies; do
  name="maven-${each%:*}-plugin"
  plugins+=("$plugin:$name:$(version_of "$name"):${each#*:}")
done
quietly mvn -q -B -Dmaven.repo.local="$folder/local" "${plugins[@]}"

program=(java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "target/classes:target/dependency/*" App)
if [ -n "${OUTRIGGER_ADDRESS:-}" ]; then exec "${program[@]}"; fi
said="$("${program[@]}" 2>&1 || true)"
[[ "$said" == *OUTRIGGER_ADDRESS* ]] || { echo "$said" >&2; exit 1; }
echo ok
