// Command argocd-sync applies a directory of manifests once, with the synchronization library of Argo CD and the options
// that the program's Application sets. It has no repository, no comparison of specs with a cache of Argo CD's own, and no
// retries: what a sync does to the cluster, and in which order, is the library's.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/engine"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
)

const managedBy = "archesai.com/argocd-sync"

type outcome struct {
	Resource string `json:"resource"`
	Status   string `json:"status"`
	Phase    string `json:"phase"`
	Message  string `json:"message"`
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the cluster")
	namespace := flag.String("namespace", "", "namespace of the stack")
	directory := flag.String("directory", "", "directory with one manifest in each file")
	pruneLast := flag.Bool("prune-last", false, "delete what left the directory after everything is healthy")
	limit := flag.Duration("timeout", 2*time.Minute, "time for the whole sync")
	flag.Parse()
	results, err := synchronize(*kubeconfig, *namespace, *directory, *pruneLast, *limit)
	if encodeErr := json.NewEncoder(os.Stdout).Encode(results); encodeErr != nil {
		fail(encodeErr)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func synchronize(kubeconfig, namespace, directory string, pruneLast bool, limit time.Duration) ([]outcome, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	targets, err := manifests(directory, namespace)
	if err != nil {
		return nil, err
	}
	live := cache.NewClusterCache(config, cache.SetLogr(logr.Discard()), cache.SetPopulateResourceInfoHandler(
		func(object *unstructured.Unstructured, _ bool) (any, bool) {
			owner := object.GetAnnotations()[managedBy]
			return owner, owner != ""
		}))
	gitops := engine.NewEngine(config, live, engine.WithLogr(logr.Discard()))
	stop, err := gitops.Run()
	if err != nil {
		return nil, err
	}
	defer stop()
	deadline, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	managed := func(resource *cache.Resource) bool { return resource.Info == namespace }
	results, err := gitops.Sync(deadline, targets, managed, "manifests", namespace,
		sync.WithPrune(true), sync.WithPruneLast(pruneLast), sync.WithServerSideApply(true), sync.WithLogr(logr.Discard()))
	said := make([]outcome, 0, len(results))
	for _, result := range results {
		name := result.ResourceKey.Kind + "/" + result.ResourceKey.Name
		said = append(said, outcome{name, string(result.Status), string(result.HookPhase), result.Message})
	}
	return said, err
}

func manifests(directory, namespace string) ([]*unstructured.Unstructured, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var targets []*unstructured.Unstructured
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		objects, err := kube.SplitYAML(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		targets = append(targets, objects...)
	}
	for _, target := range targets {
		annotations := target.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[managedBy] = namespace
		target.SetAnnotations(annotations)
	}
	return targets, nil
}
