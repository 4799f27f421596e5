#!/usr/bin/env bash
# Generates src/main/java/io/outrigger/gen from the repository's proto files. A build never needs it:
# what it makes is committed. protoc comes from Maven Central, in the version of the pom.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's:.*<protobuf.version>\(.*\)</protobuf.version>.*:\1:p' pom.xml)
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x86_64 ;;
  Linux-aarch64) platform=linux-aarch_64 ;;
  Darwin-*) platform=osx-x86_64 ;;
  *) echo "there is no protoc for $(uname -s) $(uname -m)" >&2; exit 1 ;;
esac

work=target/generate
rm -rf "$work"
mkdir -p "$work/proto/outrigger/v1"
mvn -q -B dependency:copy -Dartifact="com.google.protobuf:protoc:$version:exe:$platform" \
  -DoutputDirectory="$work" -Dmdep.useBaseVersion=true
chmod +x "$work/protoc-$version-$platform.exe"

# The proto files name no language's package, so each SDK says here what its own is.
for file in ../../proto/outrigger/v1/*.proto; do
  {
    cat "$file"
    printf 'option java_package = "io.outrigger.gen.v1";\noption java_multiple_files = true;\n'
  } > "$work/proto/outrigger/v1/$(basename "$file")"
done

rm -rf src/main/java/io/outrigger/gen
"$work/protoc-$version-$platform.exe" --proto_path="$work/proto" --java_out=src/main/java \
  "$work"/proto/outrigger/v1/*.proto
node ../../scripts/proto-fingerprint.mjs > src/main/java/io/outrigger/gen/PROTO_SHA256
