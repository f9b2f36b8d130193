package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const migrationTime = 30 * time.Second

// The steps of the schema, oldest first; a step is a transaction together with its entry in schema_migrations.
var steps = []string{
	`create table notes (id bigserial primary key, body text not null, embedding vector(3));
	 insert into notes (body, embedding) values ('migrated', '[1,2,3]')`,
	`alter table notes add column created timestamptz not null default now()`,
	`create index notes_embedding on notes using hnsw (embedding vector_l2_ops)`,
}

// migrate takes the database to the schema of this release, ARCHESAI_SCHEMA of the image; where the image says
// ARCHESAI_BROKEN_MIGRATION, the last step fails after its statements, as a release with a mistake would.
func migrate() error {
	ctx, cancel := context.WithTimeout(context.Background(), migrationTime)
	defer cancel()
	wanted, err := strconv.Atoi(os.Getenv("ARCHESAI_SCHEMA"))
	if err != nil || wanted > len(steps) {
		return fmt.Errorf("ARCHESAI_SCHEMA must be a number from 0 to %d", len(steps))
	}
	connection, err := migrationConnection(ctx)
	if err != nil {
		return err
	}
	defer connection.Close(ctx)
	// Two Jobs of one database wait for each other.
	if _, err := connection.Exec(ctx, "select pg_advisory_lock(1)"); err != nil {
		return err
	}
	const table = "create table if not exists schema_migrations (version int primary key, at timestamptz default now())"
	if _, err := connection.Exec(ctx, table); err != nil {
		return err
	}
	var present int
	if err := connection.QueryRow(ctx, "select count(*) from schema_migrations").Scan(&present); err != nil {
		return err
	}
	for version := present + 1; version <= wanted; version++ {
		broken := version == wanted && os.Getenv("ARCHESAI_BROKEN_MIGRATION") != ""
		if err := step(ctx, connection, version, broken); err != nil {
			return fmt.Errorf("migration %d: %w", version, err)
		}
		fmt.Println("migrated to", version)
	}
	return nil
}

func step(ctx context.Context, connection *pgx.Conn, version int, broken bool) error {
	return pgx.BeginFunc(ctx, connection, func(transaction pgx.Tx) error {
		if _, err := transaction.Exec(ctx, steps[version-1]); err != nil {
			return err
		}
		if broken {
			if _, err := transaction.Exec(ctx, "select no_such_column from notes"); err != nil {
				return err
			}
		}
		_, err := transaction.Exec(ctx, "insert into schema_migrations (version) values ($1)", version)
		return err
	})
}

// The Job has no configuration file: its URL is in the environment.
func migrationConnection(ctx context.Context) (*pgx.Conn, error) {
	config, err := configuration()
	if err != nil {
		return nil, err
	}
	return pgx.Connect(ctx, config.Database.URL)
}

// schema prints the versions that the database has, as a JSON list.
func schema() error {
	ctx, cancel := context.WithTimeout(context.Background(), migrationTime)
	defer cancel()
	connection, err := migrationConnection(ctx)
	if err != nil {
		return err
	}
	defer connection.Close(ctx)
	rows, err := connection.Query(ctx, "select version from schema_migrations order by version")
	if err != nil {
		return err
	}
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(versions)
}
