package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/minio/minio-go/v7"
	"github.com/redis/go-redis/v9"
)

// A name for the records of one run, so that runs do not count each other's.
func runName() string { return fmt.Sprintf("%d-%d", time.Now().Unix(), os.Getpid()) }

type rows struct {
	pool *pgxpool.Pool
	run  string
}

func newRows(config Config) (Store, error) {
	ctx, cancel := context.WithTimeout(context.Background(), migrationTime)
	defer cancel()
	pool, err := pgxpool.New(ctx, config.Database.URL)
	if err != nil {
		return nil, err
	}
	_, err = pool.Exec(ctx, "create table if not exists writes (run text, number int, primary key (run, number))")
	return &rows{pool, runName()}, err
}

func (store *rows) Write(ctx context.Context, number int) error {
	_, err := store.pool.Exec(ctx, "insert into writes (run, number) values ($1, $2)", store.run, number)
	return err
}

func (store *rows) Present(ctx context.Context) (map[int]bool, error) {
	found, err := store.pool.Query(ctx, "select number from writes where run = $1", store.run)
	if err != nil {
		return nil, err
	}
	numbers, err := pgx.CollectRows(found, pgx.RowTo[int])
	present := map[int]bool{}
	for _, number := range numbers {
		present[number] = true
	}
	return present, err
}

type keys struct {
	client *redis.Client
	run    string
}

func newKeys(config Config) (Store, error) {
	client := redisClient(config)
	return &keys{client, runName()}, client.Ping(context.Background()).Err()
}

// Each record has a key of its own, so that a lost one does not hide behind a later one.
func (store *keys) Write(ctx context.Context, number int) error {
	return store.client.Set(ctx, fmt.Sprintf("%s:%d", store.run, number), "written", 0).Err()
}

func (store *keys) Present(ctx context.Context) (map[int]bool, error) {
	present := map[int]bool{}
	iterator := store.client.Scan(ctx, 0, store.run+":*", 1000).Iterator()
	for iterator.Next(ctx) {
		if err := record(present, strings.TrimPrefix(iterator.Val(), store.run+":")); err != nil {
			return nil, err
		}
	}
	return present, iterator.Err()
}

type objects struct {
	client      *minio.Client
	bucket, run string
}

func newObjects(config Config) (Store, error) {
	client, err := storageClient(config)
	return &objects{client, config.Storage.Bucket, runName()}, err
}

func (store *objects) Write(ctx context.Context, number int) error {
	name := fmt.Sprintf("%s/%d", store.run, number)
	_, err := store.client.PutObject(ctx, store.bucket, name, strings.NewReader("written"), 7, minio.PutObjectOptions{})
	return err
}

func (store *objects) Present(ctx context.Context) (map[int]bool, error) {
	present := map[int]bool{}
	for object := range store.client.ListObjects(ctx, store.bucket, minio.ListObjectsOptions{Prefix: store.run + "/"}) {
		if object.Err != nil {
			return nil, object.Err
		}
		if err := record(present, strings.TrimPrefix(object.Key, store.run+"/")); err != nil {
			return nil, err
		}
	}
	return present, nil
}

func record(present map[int]bool, number string) error {
	parsed, err := strconv.Atoi(number)
	present[parsed] = true
	return err
}
