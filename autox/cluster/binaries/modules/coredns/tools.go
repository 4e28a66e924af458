//go:build tools

// Package binaries pins CoreDNS, so that go.sum verifies every module it is built from.
package binaries

import _ "github.com/coredns/coredns"
