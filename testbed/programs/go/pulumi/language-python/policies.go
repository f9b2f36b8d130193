package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"

	sdk "github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const analyzer = "analyzer"

// RunPlugin runs a policy pack, behind the SDK's proxy: Python's packs learn the stack from their environment, and the
// engine tells it only to a pack that runs.
func (h *host) RunPlugin(request *pulumirpc.RunPluginRequest, stream pulumirpc.LanguageRuntime_RunPluginServer) error {
	if request.Kind != analyzer {
		return fmt.Errorf("this host runs no plugin of kind %s", request.Kind)
	}
	ctx := stream.Context()
	tools, err := resolve(request.Info)
	if err != nil {
		return err
	}
	arguments := append([]string{"-u", "-m", "pulumi.policy"}, request.Args...)
	command, err := tools.Command(ctx, append(arguments, request.Info.ProgramDirectory)...)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(stream, false)
	if err != nil {
		return err
	}
	proxy, stdout, err := sdk.NewPolicyProxy(ctx, stdout)
	if err != nil {
		return err
	}
	stack, err := stackVariables(ctx, proxy)
	if err != nil {
		return err
	}
	command.Env = append(append(environment(command), stack...), request.Env...)
	command.Dir = request.Info.ProgramDirectory
	command.Stdout, command.Stderr = stdout, stderr
	if err := command.Start(); err != nil {
		return err
	}
	err = proxy.Attach(ctx, command)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code := &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())}
		err = stream.Send(&pulumirpc.RunPluginResponse{Output: code})
	}
	return errors.Join(err, closer.Close())
}

// stackVariables waits until the engine has named the stack, and are what a pack reads it from.
func stackVariables(ctx context.Context, proxy *sdk.PolicyProxy) ([]string, error) {
	stack, err := proxy.AwaitConfiguration(ctx)
	if err != nil || stack == nil {
		return nil, err
	}
	config, err := json.Marshal(stack.Config)
	if err != nil {
		return nil, err
	}
	return []string{
		"PULUMI_ORGANIZATION=" + stack.Organization,
		"PULUMI_PROJECT=" + stack.Project,
		"PULUMI_STACK=" + stack.Stack,
		"PULUMI_DRY_RUN=" + strconv.FormatBool(stack.DryRun),
		"PULUMI_CONFIG=" + string(config),
	}, nil
}
