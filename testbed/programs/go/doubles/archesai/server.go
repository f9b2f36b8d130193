package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// What the api gives its requests in flight when it stops.
const shutdownTime = 10 * time.Second

// api serves GET /health, which asks the database. Only SIGINT stops it gracefully, as the real one: SIGTERM ends the
// process at once.
func api() error {
	config, err := configuration()
	if err != nil {
		return err
	}
	if config.Database.RunMigrations {
		if err := migrate(); err != nil {
			return err
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(writer http.ResponseWriter, request *http.Request) {
		ctx, cancel := context.WithTimeout(request.Context(), answerTime)
		defer cancel()
		if config.Database.Enabled {
			if err := pingDatabase(ctx, config); err != nil {
				http.Error(writer, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(writer, "ok")
	})
	mux.HandleFunc("GET /slow", slow)
	mux.HandleFunc("GET /", identify)
	return listen(config.API.Port, mux, syscall.SIGINT)
}

// serve answers on a port until SIGTERM or SIGINT.
func serve(port, health string) error {
	mux := http.NewServeMux()
	if health != "/" {
		mux.HandleFunc("GET "+health, func(writer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(writer, "ok") })
	}
	mux.HandleFunc("GET /slow", slow)
	mux.HandleFunc("GET /", identify)
	return listen(port, mux, syscall.SIGTERM, syscall.SIGINT)
}

// slow answers after the duration of its parameter `for`.
func slow(writer http.ResponseWriter, request *http.Request) {
	duration, err := time.ParseDuration(request.URL.Query().Get("for"))
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	time.Sleep(duration)
	fmt.Fprintln(writer, "done")
}

// identify names the pod, the release and the user.
func identify(writer http.ResponseWriter, request *http.Request) {
	host, err := os.Hostname()
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := map[string]any{
		"host": host, "path": request.URL.Path, "release": os.Getenv("ARCHESAI_RELEASE"),
		"server": os.Getenv("ARCHES_SERVER_HOST"), "uid": os.Getuid(),
	}
	if err := json.NewEncoder(writer).Encode(answer); err != nil {
		log.Print(err)
	}
}

func listen(port string, handler http.Handler, stopBy ...os.Signal) error {
	server := &http.Server{Addr: ":" + port, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), stopBy...)
	defer stop()
	finished := make(chan error, 1)
	go func() {
		<-ctx.Done()
		log.Print("stopping")
		late, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		finished <- server.Shutdown(late)
	}()
	log.Printf("listening on port %s as user %d", port, os.Getuid())
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-finished
}
