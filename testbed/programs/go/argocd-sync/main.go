// Command argocd-sync syncs a directory of manifests as Argo CD's controller does: by the library that Argo CD is built
// of, with the options and the ignored fields of an Application. It reads no repository and keeps no state; everything
// that it does to the cluster, and the order of it, is the library's.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the cluster")
	application := flag.String("application", "", "file with the Application as JSON")
	directory := flag.String("directory", "", "directory with the manifests")
	limit := flag.Duration("timeout", 2*time.Minute, "time for the sync")
	flag.Parse()
	if err := run(*kubeconfig, *application, *directory, *limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig, application, directory string, limit time.Duration) error {
	app, err := readApplication(application)
	if err != nil {
		return err
	}
	targets, err := manifests(directory, app)
	if err != nil {
		return err
	}
	controller, stop, err := newController(kubeconfig, app)
	if err != nil {
		return err
	}
	defer stop()
	deadline, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	answer, err := controller.sync(deadline, targets)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}
