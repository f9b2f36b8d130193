// Command pulumi-language-python starts Python programs and policy packs for the Pulumi engine.
//
// It stands in for Pulumi's own language host, whose Go module no proxy serves. The toolchain (which interpreter runs
// the program), the proxy of policy packs and the script that runs the program are Pulumi's, from its SDK. Not served:
// debuggers, type checkers, code generation and plugins that are Python packages.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// The SDK's script that runs a program; the build copies it beside this executable.
const executorFile = "pulumi-language-python-exec"

// The engine that does not answer for so long is gone, and this process ends.
const engineTimeout = 5 * time.Minute

func main() {
	// The engine passes this flag; traces are not collected.
	flag.String("tracing", "", "ignored")
	showVersion := flag.Bool("version", false, "print the version and exit")
	flag.Parse()
	if *showVersion {
		fmt.Println(version.Version)
		return
	}
	if err := serve(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// serve prints the port of the service and serves until the engine is gone or this process is interrupted.
func serve(engine string) error {
	executor, err := executorPath()
	if err != nil {
		return err
	}
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if engine != "" {
		if err := rpcutil.Healthcheck(interrupted, engine, engineTimeout, stop); err != nil {
			return fmt.Errorf("the engine at %s: %w", engine, err)
		}
	}
	ended := make(chan bool)
	go func() {
		<-interrupted.Done()
		close(ended)
	}()
	cancelled, cancel := context.WithCancel(context.Background())
	defer cancel()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: ended,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, &host{
				executor: executor, engine: engine, cancelled: cancelled, cancel: cancel,
			})
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(handle.Port)
	return <-handle.Done
}

func executorPath() (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", err
	}
	// The executable may be a link to the one that the script stands beside.
	if executable, err = filepath.EvalSymlinks(executable); err != nil {
		return "", err
	}
	executor := filepath.Join(filepath.Dir(executable), executorFile)
	_, err = os.Stat(executor)
	return executor, err
}
