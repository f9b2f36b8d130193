package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// dial prints as JSON whether each address is open, refused, or dropped (no answer within two seconds).
func dial(addresses []string) error {
	var lock sync.Mutex
	var all sync.WaitGroup
	answers := map[string]string{}
	for _, address := range addresses {
		all.Go(func() {
			answer := dialOne(address)
			lock.Lock()
			defer lock.Unlock()
			answers[address] = answer
		})
	}
	all.Wait()
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func dialOne(address string) string {
	connection, err := net.DialTimeout("tcp", address, 2*time.Second)
	var failure net.Error
	switch {
	case err == nil:
		// The peer may already have closed it; the connection was accepted, and that was the question.
		_ = connection.Close()
		return "open"
	case errors.As(err, &failure) && failure.Timeout():
		return "dropped"
	default:
		return "refused"
	}
}

// LoadResult is what a load saw; times are in seconds.
type LoadResult struct {
	Good    int            `json:"good"`
	Failed  map[string]int `json:"failed"`
	Slowest float64        `json:"slowest"`
	Outage  float64        `json:"outage"` // from the first failed request to the last
	lock    sync.Mutex
	first   time.Time
}

// load sends requests one after the other from each worker and prints a LoadResult as JSON.
func load(arguments []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	seconds := flags.Float64("seconds", 10, "duration")
	workers := flags.Int("workers", 4, "requests at a time")
	keep := flags.Bool("keep", false, "keep connections open")
	timeout := flags.Duration("timeout", 5*time.Second, "of one request")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("load needs one URL")
	}
	result := &LoadResult{Failed: map[string]int{}}
	end := time.Now().Add(time.Duration(*seconds * float64(time.Second)))
	var all sync.WaitGroup
	for range *workers {
		client := http.Client{Timeout: *timeout, Transport: &http.Transport{DisableKeepAlives: !*keep}}
		all.Go(func() {
			for time.Now().Before(end) {
				result.request(&client, flags.Arg(0))
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	all.Wait()
	return json.NewEncoder(os.Stdout).Encode(result)
}

func (result *LoadResult) request(client *http.Client, address string) {
	begin := time.Now()
	err := fetch(client, address)
	result.lock.Lock()
	defer result.lock.Unlock()
	result.Slowest = max(result.Slowest, time.Since(begin).Seconds())
	if err == nil {
		result.Good++
		return
	}
	result.Failed[err.Error()]++
	if result.first.IsZero() {
		result.first = begin
	}
	result.Outage = time.Since(result.first).Seconds()
}

func fetch(client *http.Client, address string) error {
	answer, err := client.Get(address)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", answer.StatusCode)
	}
	return errors.Join(err, answer.Body.Close())
}
