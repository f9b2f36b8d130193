// Command pulumi-resource-kubernetes serves Pulumi's Kubernetes provider.
//
// The provider's own command embeds files that its release generates and its module lacks. This one reads the schema
// that the module does hold; the build copies it beside the executable. The mapping of Terraform's names serves only
// conversions of Terraform programs, so it stays empty.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

const (
	schemaFile   = "schema.json"
	pluginPrefix = "resource-kubernetes-v"
)

// release is stamped at build time.
var release = "0.0.0"

func main() {
	schema, err := readSchema()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	provider.Serve("kubernetes", version(os.Args[0]), schema, []byte("{}"))
}

// version is what the engine takes the plugin for: the version in the name of the directory that it is started from, so
// that the engine does not warn of another one.
func version(started string) string {
	directory := filepath.Base(filepath.Dir(started))
	if named, ok := strings.CutPrefix(directory, pluginPrefix); ok {
		return named
	}
	return release
}

func readSchema() ([]byte, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// The executable may be a link to the one that the schema stands beside.
	if executable, err = filepath.EvalSymlinks(executable); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(filepath.Dir(executable), schemaFile))
}
