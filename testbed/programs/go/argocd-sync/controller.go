package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// manager is the field manager of Argo CD's server-side apply.
	manager = "argocd-controller"
	// passInterval is the time between two passes of a sync; Argo CD's controller makes one for each change that it sees.
	passInterval = 500 * time.Millisecond
	// settleTime bounds the wait for the ends of deletions and for the cache to show what the sync changed.
	settleTime = time.Minute
)

// resource is what a sync did to one object.
type resource struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

// answer is the end of a sync: Resources in the order of the sync, Differences the objects that differ afterwards.
type answer struct {
	Phase       string     `json:"phase"`
	Message     string     `json:"message"`
	Resources   []resource `json:"resources"`
	Differences []string   `json:"differences"`
}

type controller struct {
	app     *application
	config  *rest.Config
	live    cache.ClusterCache
	kubectl *kube.KubectlCmd
	applier diff.KubeApplier
}

func newController(kubeconfig string, app *application) (*controller, func(), error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	// Argo CD's own; with the library's default of five a second forty objects take most of a minute.
	config.QPS, config.Burst = 50, 100
	config.WarningHandler = rest.NoWarnings{}
	live := cache.NewClusterCache(config, cache.SetLogr(logr.Discard()), cache.SetPopulateResourceInfoHandler(
		func(object *unstructured.Unstructured, _ bool) (any, bool) {
			owner, _, _ := strings.Cut(object.GetAnnotations()[trackingAnnotation], ":")
			return owner, owner != ""
		}))
	if err := live.EnsureSynced(); err != nil {
		return nil, nil, err
	}
	kubectl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
	applier, cleanup, err := kubectl.ManageServerSideDiffDryRuns(config)
	if err != nil {
		return nil, nil, err
	}
	stop := func() {
		cleanup()
		live.Invalidate()
	}
	return &controller{app, config, live, kubectl, applier}, stop, nil
}

// sync makes passes until the sync is over. As in Argo CD each compares the cluster once more and goes on with the
// results of the one before.
func (c *controller) sync(ctx context.Context, targets []*unstructured.Unstructured) (*answer, error) {
	phase, message := common.OperationRunning, ""
	started := metav1.Now()
	var results []common.ResourceSyncResult
	for !phase.Completed() {
		var err error
		phase, message, results, err = c.pass(targets, sync.WithInitialState(phase, message, results, started))
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the sync did not end: %s: %v", message, named(results))
		case <-time.After(passInterval):
		}
	}
	differences, err := c.lasting(ctx, targets)
	if err != nil {
		return nil, err
	}
	return &answer{string(phase), message, named(results), differences}, nil
}

func named(results []common.ResourceSyncResult) []resource {
	all := make([]resource, 0, len(results))
	for _, result := range results {
		name := result.ResourceKey.Kind + "/" + result.ResourceKey.Name
		all = append(all, resource{name, string(result.Status), result.Message})
	}
	return all
}

func (c *controller) reconciled(targets []*unstructured.Unstructured) (sync.ReconciliationResult, error) {
	copies := make([]*unstructured.Unstructured, len(targets))
	for index, target := range targets {
		copies[index] = target.DeepCopy()
	}
	owned := func(resource *cache.Resource) bool { return resource.Info == c.app.Metadata.Name }
	live, err := c.live.GetManagedLiveObjs(copies, owned)
	if err != nil {
		return sync.ReconciliationResult{}, err
	}
	return sync.Reconcile(copies, live, c.app.Spec.Destination.Namespace, c.live), nil
}

func (c *controller) pass(targets []*unstructured.Unstructured, state sync.SyncOpt) (
	common.OperationPhase, string, []common.ResourceSyncResult, error,
) {
	result, err := c.reconciled(targets)
	if err != nil {
		return "", "", nil, err
	}
	if c.app.has("RespectIgnoreDifferences=true") {
		if result.Target, err = c.app.respected(result.Target, result.Live); err != nil {
			return "", "", nil, err
		}
	}
	foreground := metav1.DeletePropagationForeground
	current, cleanup, err := sync.NewSyncContext("manifests", result, c.config, c.config, c.kubectl,
		c.app.Spec.Destination.Namespace, state,
		sync.WithLogr(logr.Discard()),
		sync.WithPrune(c.app.Spec.SyncPolicy.Automated.Prune),
		sync.WithPruneLast(c.app.has("PruneLast=true")),
		sync.WithServerSideApply(c.app.has("ServerSideApply=true")),
		sync.WithServerSideApplyManager(manager),
		sync.WithPrunePropagationPolicy(&foreground))
	if err != nil {
		return "", "", nil, err
	}
	defer cleanup()
	current.Sync()
	phase, message, results := current.GetState()
	return phase, message, results, nil
}

// lasting are the differences that are still there after the settle time. Argo CD too compares again for each change
// that it sees.
func (c *controller) lasting(ctx context.Context, targets []*unstructured.Unstructured) ([]string, error) {
	settled, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		differences, err := c.differences(targets)
		if err != nil || len(differences) == 0 {
			return differences, err
		}
		select {
		case <-settled.Done():
			return differences, nil
		case <-time.After(passInterval):
		}
	}
}

// differences are the objects that Argo CD would show as out of sync. It compares with a dry run on the server where
// objects are applied on the server.
func (c *controller) differences(targets []*unstructured.Unstructured) ([]string, error) {
	result, err := c.reconciled(targets)
	if err != nil {
		return nil, err
	}
	compared, err := diff.DiffArray(result.Target, result.Live,
		diff.WithLogr(logr.Discard()), diff.WithNormalizer(c.app), diff.WithManager(manager),
		diff.WithGVKParser(c.live.GetGVKParser()), diff.WithServerSideDiff(c.app.has("ServerSideApply=true")),
		diff.WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(c.applier)))
	if err != nil {
		return nil, err
	}
	differences := []string{}
	for index, one := range compared.Diffs {
		object := result.Target[index]
		if object == nil {
			object = result.Live[index]
		}
		if one.Modified || result.Target[index] == nil {
			differences = append(differences, object.GetKind()+"/"+object.GetName())
		}
	}
	return differences, nil
}
