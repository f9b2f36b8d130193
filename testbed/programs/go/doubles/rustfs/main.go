// The double of RustFS: MinIO behind a proxy, with RustFS' environment variables and health addresses.
//
// It proves that the manifests start a server of this address, user, volume and keys. It proves nothing about RustFS:
// not its on-disk format, not its S3 behaviour, not how it takes a new key, not its memory.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// The address where MinIO listens; only the proxy connects to it.
const backend = "127.0.0.1:19000"

// RustFS' health addresses and MinIO's.
var health = map[string]string{"/health": "/minio/health/live", "/health/ready": "/minio/health/ready"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	server := minio()
	if err := server.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	front := &http.Server{Addr: os.Getenv("RUSTFS_ADDRESS"), Handler: proxy(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := front.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			ended <- err
		}
	}()
	select {
	case err := <-ended:
		return errors.Join(errors.New("the server ended"), err)
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stopped := front.Shutdown(late)
	return errors.Join(stopped, server.Process.Signal(syscall.SIGTERM), <-ended)
}

func minio() *exec.Cmd {
	command := exec.Command("minio", "server", os.Getenv("RUSTFS_VOLUMES"), "--address", backend,
		"--console-address", os.Getenv("RUSTFS_CONSOLE_ADDRESS"), "--certs-dir", "/tmp/certs")
	command.Env = append(os.Environ(),
		"MINIO_ROOT_USER_FILE="+os.Getenv("RUSTFS_ACCESS_KEY_FILE"),
		"MINIO_ROOT_PASSWORD_FILE="+os.Getenv("RUSTFS_SECRET_KEY_FILE"),
		"MINIO_REGION="+os.Getenv("RUSTFS_REGION"))
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command
}

// A signature covers the Host header, so the proxy passes it on as it came.
func proxy() http.Handler {
	target := &url.URL{Scheme: "http", Host: backend}
	return &httputil.ReverseProxy{Rewrite: func(request *httputil.ProxyRequest) {
		if path, known := health[request.In.URL.Path]; known {
			request.Out.URL.Path = path
		}
		request.SetURL(target)
		request.Out.Host = request.In.Host
	}}
}
