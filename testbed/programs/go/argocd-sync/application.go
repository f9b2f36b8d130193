package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// trackingAnnotation names the Application that an object belongs to, the default since Argo CD 3.
const trackingAnnotation = "argocd.argoproj.io/tracking-id"

type ignoredDifference struct {
	Group        string   `json:"group"`
	Kind         string   `json:"kind"`
	Name         string   `json:"name"`
	JSONPointers []string `json:"jsonPointers"`
}

// application is what this program reads of an Application.
type application struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Destination struct {
			Namespace string `json:"namespace"`
		} `json:"destination"`
		SyncPolicy struct {
			Automated struct {
				Prune bool `json:"prune"`
			} `json:"automated"`
			SyncOptions []string `json:"syncOptions"`
		} `json:"syncPolicy"`
		IgnoreDifferences []ignoredDifference `json:"ignoreDifferences"`
	} `json:"spec"`
}

func readApplication(file string) (*application, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	app := &application{}
	if err := json.Unmarshal(data, app); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return app, nil
}

func (a *application) has(option string) bool {
	return slices.Contains(a.Spec.SyncPolicy.SyncOptions, option)
}

// ignored are the paths of an object's fields that are not compared.
func (a *application) ignored(object *unstructured.Unstructured) [][]string {
	var paths [][]string
	for _, ignored := range a.Spec.IgnoreDifferences {
		kind := object.GroupVersionKind()
		if ignored.Group != kind.Group || ignored.Kind != kind.Kind || ignored.Name != object.GetName() {
			continue
		}
		for _, pointer := range ignored.JSONPointers {
			paths = append(paths, strings.Split(strings.TrimPrefix(pointer, "/"), "/"))
		}
	}
	return paths
}

// Normalize removes the ignored fields of an object before it is compared. Argo CD ignores every status unless
// resource.compareoptions says otherwise.
func (a *application) Normalize(object *unstructured.Unstructured) error {
	unstructured.RemoveNestedField(object.Object, "status")
	for _, path := range a.ignored(object) {
		unstructured.RemoveNestedField(object.Object, path...)
	}
	return nil
}

// respected are the targets with the live values of ignored fields, as RespectIgnoreDifferences has it.
func (a *application) respected(targets, live []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	patched := make([]*unstructured.Unstructured, len(targets))
	for index, target := range targets {
		patched[index] = target
		if target == nil || live[index] == nil {
			continue
		}
		patched[index] = target.DeepCopy()
		for _, path := range a.ignored(target) {
			value, found, err := unstructured.NestedFieldCopy(live[index].Object, path...)
			if err != nil {
				return nil, err
			}
			unstructured.RemoveNestedField(patched[index].Object, path...)
			if found {
				if err := unstructured.SetNestedField(patched[index].Object, value, path...); err != nil {
					return nil, err
				}
			}
		}
	}
	return patched, nil
}

// manifests reads the objects of a directory and marks them as the Application's.
func manifests(directory string, app *application) ([]*unstructured.Unstructured, error) {
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
		kind := target.GroupVersionKind()
		annotations[trackingAnnotation] = fmt.Sprintf("%s:%s/%s:%s/%s",
			app.Metadata.Name, kind.Group, kind.Kind, target.GetNamespace(), target.GetName())
		target.SetAnnotations(annotations)
	}
	return targets, nil
}
