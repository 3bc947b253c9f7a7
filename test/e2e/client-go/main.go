// Command client-go-protobuf drives knarr the way Go controllers do when their content type is protobuf and nothing else:
// typed clients, shared informers, metadata informers. Built by scripts/build-client-go.sh, run by ../client-go.test.ts.
//
//	client-go-protobuf session URL TOKEN   prints "ok <step>" per step, "FAIL <step>" and status 1 at the first that fails
//	client-go-protobuf encode              one JSON object per line in; out: its protobuf in hex, and Go's own JSON of it
package main

import (
	"fmt"
	"os"
)

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "encode":
		encodeLines(os.Stdin, os.Stdout)
	case len(os.Args) == 4 && os.Args[1] == "session":
		runSession(os.Args[2], os.Args[3])
	default:
		fmt.Fprintln(os.Stderr, "usage: client-go-protobuf session URL TOKEN | encode")
		os.Exit(2)
	}
}
