#!/usr/bin/env bash
# package.sh <empty folder>: zips the two modules as a Go proxy serves them, and builds a program in an
# empty module there that requires both by version. With OUTRIGGER_ADDRESS set the program then serves,
# from `in` to `out`, until SIGTERM; without, `ok` is the last line.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
cd "$1"
folder="$PWD"
module=github.com/outrigger-io/outrigger/clients/go
version=v0.1.0

mkdir zipper app
cat > zipper/main.go <<'END'
// Zips a folder under a prefix; of directories there are no entries in a module's zip.
package main

import (
	"archive/zip"
	"io/fs"
	"os"
)

func main() {
	from, prefix := os.DirFS(os.Args[1]), os.Args[2]
	writer := zip.NewWriter(os.Stdout)
	must(fs.WalkDir(from, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, path)
		must(err)
		to, err := writer.Create(prefix + "/" + path)
		must(err)
		_, err = to.Write(data)
		return err
	}))
	must(writer.Close())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
END

# serve <module> <folder>: a folder with a go.mod of its own within is another module.
serve() {
  local served="proxy/$1/@v" staged
  staged="$(mktemp -d "$folder/staged.XXXXXX")"
  mkdir -p "$served"
  tar -C "$2" --exclude=./bin --exclude=./scripts --exclude=./schemaregistry -cf - . | tar -C "$staged" -xf -
  cp "$2/go.mod" "$served/$version.mod"
  echo "{\"Version\":\"$version\",\"Time\":\"2026-01-01T00:00:00Z\"}" > "$served/$version.info"
  echo "$version" > "$served/list"
  go run zipper/main.go "$staged" "$1@$version" > "$served/$version.zip"
}
serve "$module" "$here"
serve "$module/schemaregistry" "$here/schemaregistry"

# A module cache of its own, filled from the user's: what is served here must never be taken for the
# real one. Checksums are the repository's.
export GOPROXY="file://$folder/proxy,file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)"
export GOMODCACHE="$folder/modules" GONOSUMDB="$module,$module/*" GOFLAGS="-mod=mod -modcacherw"
cat > app/main.go <<'END'
package main

import (
	"context"
	"log"
	"os/signal"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/outrigger-io/outrigger/clients/go"
	"github.com/outrigger-io/outrigger/clients/go/schemaregistry"
)

func main() {
	app := outrigger.New(outrigger.Config{})
	in := outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"})
	outrigger.MapValues(in, func(value string) (string, error) {
		return strings.ToUpper(value), nil
	}).To("out", outrigger.UTF8, outrigger.UTF8)
	if _, err := schemaregistry.Of[string](&sr.Serde{}).Deserialize(nil); err == nil {
		log.Fatal("the other module does not work")
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := app.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
END
cd app
cat "$here/go.sum" "$here/schemaregistry/go.sum" | sort -u > go.sum
{
  go mod init empty
  go get "$module@$version" "$module/schemaregistry@$version"
  go build -trimpath -o app .
} > build.log 2>&1 || { cat build.log >&2; exit 1; }
if [ -n "${OUTRIGGER_ADDRESS:-}" ]; then exec ./app; fi
said="$(./app 2>&1 || true)"
[[ "$said" == *OUTRIGGER_ADDRESS* ]] || { echo "$said" >&2; exit 1; }
echo ok
