package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// Status of a program whose error message its user has already seen.
	alreadyShown = 32
	// Time between the interrupt that a cancelled program gets and its end.
	graceTime = 5 * time.Second
)

// host serves the programs of one engine.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	executor  string
	engine    string
	cancelled context.Context
	cancel    context.CancelFunc
}

func (h *host) Handshake(
	_ context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.engine = request.EngineAddress
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.cancel()
	return &emptypb.Empty{}, nil
}

// Run runs a program to its end; what it prints goes through this process' own output to the engine.
func (h *host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	tools, err := resolve(request.Info)
	if err != nil {
		return nil, err
	}
	if err := tools.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	program, end := context.WithCancel(h.cancelled)
	defer end()
	defer context.AfterFunc(ctx, end)()
	command, err := tools.Command(program, append([]string{h.executor}, h.arguments(request)...)...)
	if err != nil {
		return nil, err
	}
	variables, err := configuration(request)
	if err != nil {
		return nil, err
	}
	command.Env = append(environment(command), variables...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = graceTime
	return response(command.Run()), nil
}

// arguments are those of the SDK's script that runs the program.
func (h *host) arguments(request *pulumirpc.RunRequest) []string {
	options := [][2]string{
		{"monitor", request.MonitorAddress},
		{"engine", h.engine},
		{"project", request.Project},
		{"root_directory", request.Info.RootDirectory},
		{"stack", request.Stack},
		{"pwd", request.Pwd},
		{"dry_run", strconv.FormatBool(request.DryRun)},
		{"parallel", strconv.Itoa(int(request.Parallel))},
		{"organization", request.Organization},
	}
	var arguments []string
	for _, option := range options {
		if option[1] != "" {
			arguments = append(arguments, "--"+option[0], option[1])
		}
	}
	arguments = append(arguments, request.Info.EntryPoint)
	return append(arguments, request.Args...)
}

// configuration is how the SDK learns the stack's configuration and which of its keys are secret.
func configuration(request *pulumirpc.RunRequest) ([]string, error) {
	values := request.Config
	if values == nil {
		values = map[string]string{}
	}
	config, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	keys, err := json.Marshal(append([]string{}, request.ConfigSecretKeys...))
	if err != nil {
		return nil, err
	}
	return []string{"PULUMI_CONFIG=" + string(config), "PULUMI_CONFIG_SECRET_KEYS=" + string(keys)}, nil
}

// response says how a program ended, in the words of Pulumi's own host.
func response(err error) *pulumirpc.RunResponse {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case !errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("problem executing program: %v", err)}
	case exit.ExitCode() == alreadyShown:
		return &pulumirpc.RunResponse{Bail: true}
	case exit.ExitCode() > 0:
		return &pulumirpc.RunResponse{
			Error: fmt.Sprintf("program exited with non-zero exit code: %d", exit.ExitCode()),
		}
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("program exited unexpectedly: %v", exit)}
	}
}

func (h *host) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest, stream pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	tools, err := resolve(request.Info)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(stream, request.IsTerminal)
	if err != nil {
		return err
	}
	install := tools.InstallDependencies(
		stream.Context(), request.Info.ProgramDirectory, request.UseLanguageVersionTools, true, stdout, stderr)
	return errors.Join(install, closer.Close())
}

func (h *host) About(ctx context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	tools, err := resolve(request.Info)
	if err != nil {
		return nil, err
	}
	about, err := tools.About(ctx)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{Executable: about.PythonExecutable, Version: about.PythonVersion.String()}, nil
}

// resolve finds the Python environment that Pulumi.yaml names for a program.
func resolve(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	options := toolchain.PythonOptions{Root: info.RootDirectory, ProgramDir: info.ProgramDirectory}
	for key, value := range info.Options.AsMap() {
		text, ok := value.(string)
		switch {
		case !ok:
			return nil, fmt.Errorf("%s option must be a string", key)
		case key == "virtualenv":
			options.Virtualenv = text
		case key == "toolchain" && text == "pip":
			options.Toolchain = toolchain.Pip
		case key == "toolchain" && text == "poetry":
			options.Toolchain = toolchain.Poetry
		case key == "toolchain" && text == "uv":
			options.Toolchain = toolchain.Uv
		case key == "toolchain" || key == "typechecker":
			return nil, fmt.Errorf("unsupported %s option: %s", key, text)
		}
	}
	return toolchain.ResolveToolchain(options)
}

// environment is that of a command, which inherits this process' own where it has none.
func environment(command *exec.Cmd) []string {
	if command.Env == nil {
		return os.Environ()
	}
	return command.Env
}
