#!/usr/bin/env bash
# kubectl's translations (k8s.io/kubectl/pkg/util/i18n): the first message that is asked for writes the whole list of a
# language into a zip archive in memory, compressed, and has gettext-go unpack and parse it again. In English, which
# needs no translation, the list is the longest of all (350 KB, each message standing for itself). kubectl and helm ask
# for their first message in a package's init, so each start pays for it, `helm version` and `helm template` included.
#
# Seen: k8s.io/kubectl v0.37.1, go 1.26, 2026-11-29: some 20 to 30 ms of CPU in English, a tenth of it in French, of which
# there are 6 KB. Of helm 4.3.1 and kubectl 1.36.3 a start took 0.10 and 0.09 s in English, 0.07 and 0.06 in French.
# What users get: whatever starts helm or kubectl often (a controller, a CI job, a test suite) spends a third of each
# start on it. LoadTranslationsFunc exists for programs that link the package, and neither of the two sets it.
# autox: our tests start both with LC_MESSAGES=fr_FR.UTF-8 (tests/clusters.py). The controller does not: what helm says
# is shown to users.
set -euo pipefail
place=$(mktemp -d)
trap 'chmod -R u+w "$place"; rm -rf "$place"' EXIT
cd "$place"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"syscall"

	"k8s.io/kubectl/pkg/util/i18n"
)

func cpu() int64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return used.Utime.Nano() + used.Stime.Nano()
}

func main() {
	before := cpu()
	i18n.T("Show the version")
	fmt.Println((cpu() - before) / 1000)
}
GO
export GOFLAGS=-mod=mod GOPATH="$place/go" GOMODCACHE="$place/go/pkg/mod" GOCACHE="$place/cache"
go mod init translations > /dev/null 2>&1
go get k8s.io/kubectl@v0.37.1 > log 2>&1 && go build -o translations . >> log 2>&1 ||
  { cat log; echo "could not be tried"; exit 2; }
median() { for _ in $(seq 21); do LC_ALL=$1 ./translations; done | sort -n | sed -n 11p; }
english=$(median en_US.UTF-8) french=$(median fr_FR.UTF-8) none=$(median C)
echo "microseconds of CPU for the first message: English $english, no language $none, French $french"
[ "$english" -gt $((3 * french)) ] && [ "$none" -gt $((3 * french)) ] || { echo "the behaviour has changed"; exit 1; }
