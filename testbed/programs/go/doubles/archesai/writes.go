package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"
)

// Store is a server to write numbered records to.
type Store interface {
	// Write returns nil only after the server acknowledged the record.
	Write(ctx context.Context, number int) error
	// Present returns the numbers of the records of this run that the server has.
	Present(ctx context.Context) (map[int]bool, error)
}

// WriteResult is what a run of writes saw; times are in seconds.
type WriteResult struct {
	Acknowledged int     `json:"acknowledged"`
	Missing      int     `json:"missing"`
	Failed       int     `json:"failed"`
	Error        string  `json:"error"`  // the first one
	Outage       float64 `json:"outage"` // longest time without an acknowledged write
	// Age of the oldest missing write when the longest outage began: what an asynchronous log may lose.
	MissingAge float64 `json:"missing_age"`
}

type journal struct {
	lock         sync.Mutex
	next         int
	acknowledged map[int]time.Time
	failed       int
	err          string
	last         time.Time
	outage       time.Duration
	outageStart  time.Time
	recovered    time.Time // first success after the latest failure
}

// write writes records for a time from several workers, then reads all back and prints a WriteResult as JSON. A write
// that failed may be there or not; one that was acknowledged has to be.
func write(arguments []string) error {
	flags := flag.NewFlagSet("write", flag.ContinueOnError)
	seconds := flags.Float64("seconds", 10, "duration")
	workers := flags.Int("workers", 4, "writes at a time")
	settle := flags.Duration("settle", 0, "end this long after writes succeed again; 0 is at the end of the time only")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("write needs the store: database, redis or storage")
	}
	config, err := configuration()
	if err != nil {
		return err
	}
	stores := map[string]func(Config) (Store, error){"database": newRows, "redis": newKeys, "storage": newObjects}
	open, known := stores[flags.Arg(0)]
	if !known {
		return fmt.Errorf("no store %q", flags.Arg(0))
	}
	store, err := open(config)
	if err != nil {
		return err
	}
	written := &journal{acknowledged: map[int]time.Time{}, last: time.Now()}
	end := time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	var all sync.WaitGroup
	for range *workers {
		all.Go(func() {
			for time.Now().Before(end) && !written.settled(*settle) {
				written.write(store)
			}
		})
	}
	all.Wait()
	return written.report(store)
}

func (written *journal) write(store Store) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	written.lock.Lock()
	written.next++
	number := written.next
	written.lock.Unlock()
	err := store.Write(ctx, number)
	written.note(number, err)
	if err != nil {
		time.Sleep(50 * time.Millisecond)
	}
	// No faster than a server of a test has memory for.
	time.Sleep(time.Millisecond)
}

func (written *journal) note(number int, err error) {
	written.lock.Lock()
	defer written.lock.Unlock()
	if err != nil {
		if written.failed++; written.err == "" {
			written.err = err.Error()
		}
		written.recovered = time.Time{}
		return
	}
	now := time.Now()
	if without := now.Sub(written.last); without > written.outage {
		written.outage, written.outageStart = without, written.last
	}
	// A client that tries again by itself hides an outage from its caller, but not the time.
	if (written.failed > 0 || written.outage > time.Second) && written.recovered.IsZero() {
		written.recovered = now
	}
	written.last = now
	written.acknowledged[number] = now
}

func (written *journal) settled(after time.Duration) bool {
	written.lock.Lock()
	defer written.lock.Unlock()
	return after > 0 && !written.recovered.IsZero() && time.Since(written.recovered) > after
}

func (written *journal) report(store Store) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	present, err := store.Present(ctx)
	if err != nil {
		return err
	}
	result := WriteResult{
		Acknowledged: len(written.acknowledged), Failed: written.failed, Error: written.err,
		Outage: written.outage.Seconds(),
	}
	for number, at := range written.acknowledged {
		if !present[number] {
			result.Missing++
			result.MissingAge = max(result.MissingAge, written.outageStart.Sub(at).Seconds())
		}
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
