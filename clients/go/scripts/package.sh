#!/usr/bin/env bash
# Makes the module's zip as a Go proxy serves it, and runs a program of an empty module, in the folder
# given, that requires it from there.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
cd "$1"
module=github.com/outrigger-io/outrigger/clients/go
version=v0.1.0
served="proxy/$module/@v"
mkdir -p "$served" app
cp "$here/go.mod" "$served/$version.mod"
echo "{\"Version\":\"$version\",\"Time\":\"2026-01-01T00:00:00Z\"}" > "$served/$version.info"
echo "$version" > "$served/list"
folder="zip/$module@$version"
mkdir -p "$folder"
cp "$here"/*.go "$here"/go.mod "$here"/go.sum "$here"/LICENSE "$here"/README.md "$folder"
cp -r "$here/internal" "$folder"
rm -f "$folder"/*_test.go
mkdir zipper
cat > zipper/main.go <<'EOF'
package main

import (
	"archive/zip"
	"os"
)

func main() {
	file, err := os.Create(os.Args[2])
	if err != nil {
		panic(err)
	}
	writer := zip.NewWriter(file)
	if err := writer.AddFS(os.DirFS(os.Args[1])); err != nil {
		panic(err)
	}
	if err := writer.Close(); err != nil {
		panic(err)
	}
}
EOF
go run zipper/main.go zip "$served/$version.zip"
cat > app/main.go <<'EOF'
package main

import (
	"context"
	"fmt"

	"github.com/outrigger-io/outrigger/clients/go"
)

func main() {
	app := outrigger.New(outrigger.Config{Address: "unix:/nowhere"})
	outrigger.Stream(app, outrigger.UTF8, outrigger.UTF8, []string{"in"}).
		To("out", outrigger.UTF8, outrigger.UTF8)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := app.Run(ctx); err != nil {
		panic(err)
	}
	fmt.Println("ok")
}
EOF
cd app
export GOPROXY="file://$1/proxy,$(go env GOPROXY)" GONOSUMDB="$module" GOFLAGS=-mod=mod
cache="$(go env GOMODCACHE)"
go mod init empty > /dev/null 2>&1
go get "$module@$version" > get.log 2>&1 || { cat get.log; exit 1; }
go run .
# What was served from here must not be taken for the real one later.
chmod -R u+w "$cache/$module@$version"
rm -rf "$cache/$module@$version" "$cache/cache/download/$module"
