// Archesai is the double of Arches' api and migrations, of the platform, of the document service and of the browser
// server; beside these it holds the clients with which tests measure from inside a pod.
//
// It reads the files and variables that the real programs read, uses their client libraries (viper, pgx, go-redis),
// serves their ports and health addresses and stops by their signals. It proves that the manifests give these programs
// what they need. It proves nothing about what Arches does with it: no routes but those here, no login, no real schema,
// no document is processed, no page is opened, and memory and start time are not the real ones.
package main

import (
	"fmt"
	"os"
)

const usage = `usage: archesai [COMMAND]
  (none), api       the api: GET /health; stops gracefully on SIGINT only
  migrate           migrate the database to the schema of this image
  serve PORT PATH   a web server whose health address is PATH: platform, unstructured, scraper
  schema            the versions of the schema that the database has
  check             whether each service of the configuration answers
  dial ADDRESS...   whether each address accepts a connection
  load URL          send requests and count what failed
  write STORE       write to database, redis or storage and count what is missing afterwards`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "archesai:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	command := "api"
	if len(arguments) > 0 {
		command, arguments = arguments[0], arguments[1:]
	}
	switch command {
	case "api":
		return api()
	case "migrate":
		return migrate()
	case "serve":
		if len(arguments) != 2 {
			return fmt.Errorf("serve needs PORT and PATH\n%s", usage)
		}
		return serve(arguments[0], arguments[1])
	case "schema":
		return schema()
	case "check":
		return check()
	case "dial":
		return dial(arguments)
	case "load":
		return load(arguments)
	case "write":
		return write(arguments)
	}
	return fmt.Errorf("unknown command %q\n%s", command, usage)
}
