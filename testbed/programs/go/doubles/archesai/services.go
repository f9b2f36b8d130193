package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/redis/go-redis/v9"
)

const answerTime = 3 * time.Second

func pingDatabase(ctx context.Context, config Config) error {
	connection, err := pgx.Connect(ctx, config.Database.URL)
	if err != nil {
		return err
	}
	defer connection.Close(ctx)
	return connection.Ping(ctx)
}

func redisClient(config Config) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:     net.JoinHostPort(config.Redis.Host, config.Redis.Port),
		Password: config.Redis.Auth,
	})
}

func storageClient(config Config) (*minio.Client, error) {
	endpoint, err := url.Parse(config.Storage.Endpoint)
	if err != nil {
		return nil, err
	}
	return minio.New(endpoint.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(config.Storage.AccessKey, config.Storage.SecretKey, ""),
		Secure: endpoint.Scheme == "https",
	})
}

func pingStorage(ctx context.Context, config Config) error {
	client, err := storageClient(config)
	if err != nil {
		return err
	}
	exists, err := client.BucketExists(ctx, config.Storage.Bucket)
	if err == nil && !exists {
		return fmt.Errorf("no bucket %s", config.Storage.Bucket)
	}
	return err
}

func get(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// check prints each service of the configuration as JSON, with `ok` or its error, and fails where one does not answer.
func check() error {
	config, err := configuration()
	if err != nil {
		return err
	}
	tests := map[string]func(context.Context) error{}
	if config.Database.Enabled {
		tests["database"] = func(ctx context.Context) error { return pingDatabase(ctx, config) }
	}
	if config.Redis.Enabled {
		tests["redis"] = func(ctx context.Context) error { return redisClient(config).Ping(ctx).Err() }
	}
	if config.Storage.Enabled {
		tests["storage"] = func(ctx context.Context) error { return pingStorage(ctx, config) }
	}
	for name, endpoint := range map[string]string{
		"scraper":      config.Intelligence.Scraper.Endpoint,
		"unstructured": config.Intelligence.Unstructured.Endpoint,
	} {
		if endpoint != "" {
			tests[name] = func(ctx context.Context) error { return get(ctx, endpoint) }
		}
	}
	answers := map[string]string{}
	failed := 0
	for name, test := range tests {
		ctx, cancel := context.WithTimeout(context.Background(), answerTime)
		answers[name] = "ok"
		if err := test(ctx); err != nil {
			answers[name] = err.Error()
			failed++
		}
		cancel()
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil || failed == 0 {
		return err
	}
	return fmt.Errorf("%d of %d services do not answer", failed, len(tests))
}
