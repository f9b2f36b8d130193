package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// listPackages prints the installed distributions and what each says of its plugin, as JSON. The interpreter is asked
// instead of `pip list`, which takes half a second longer.
const listPackages = `
import importlib.metadata, json
found = []
for one in importlib.metadata.distributions():
    name = one.metadata["Name"]
    plugins = [file for file in one.files or () if file.name == "pulumi-plugin.json" and len(file.parts) == 2]
    plugin = json.loads(plugins[0].read_text()) if plugins else None
    found.append({"name": name, "version": one.version, "plugin": plugin})
print(json.dumps(found))
`

// distribution is one installed Python package.
type distribution struct {
	Name    string
	Version string
	Plugin  *struct {
		Resource bool
		Name     string
		Version  string
		Server   string
	}
}

// GetRequiredPackages lists the plugins that the packages in the program's environment need.
func (h *host) GetRequiredPackages(
	ctx context.Context, request *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	installed, err := distributions(ctx, request.Info)
	if err != nil {
		return nil, err
	}
	answer := &pulumirpc.GetRequiredPackagesResponse{}
	for _, one := range installed {
		if one.Plugin == nil || !one.Plugin.Resource {
			continue
		}
		dependency := &pulumirpc.PackageDependency{
			Kind: "resource", Name: one.Plugin.Name, Version: one.Plugin.Version, Server: one.Plugin.Server,
		}
		if dependency.Name == "" {
			dependency.Name = strings.TrimPrefix(one.Name, "pulumi-")
		}
		if dependency.Version == "" {
			dependency.Version = one.Version
		}
		dependency.Version = "v" + strings.TrimPrefix(dependency.Version, "v")
		answer.Packages = append(answer.Packages, dependency)
	}
	return answer, nil
}

// GetProgramDependencies lists the Python packages in the program's environment.
func (h *host) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	installed, err := distributions(ctx, request.Info)
	if err != nil {
		return nil, err
	}
	answer := &pulumirpc.GetProgramDependenciesResponse{}
	for _, one := range installed {
		answer.Dependencies = append(
			answer.Dependencies, &pulumirpc.DependencyInfo{Name: one.Name, Version: one.Version})
	}
	return answer, nil
}

func distributions(ctx context.Context, info *pulumirpc.ProgramInfo) ([]distribution, error) {
	tools, err := resolve(info)
	if err != nil {
		return nil, err
	}
	command, err := tools.Command(ctx, "-c", listPackages)
	if err != nil {
		return nil, err
	}
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the packages of the program: %w", err)
	}
	var installed []distribution
	return installed, json.Unmarshal(output, &installed)
}
