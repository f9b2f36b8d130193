// Package dns01 has the options of the DNS challenge, which this build has not.
package dns01

import (
	"strings"
	"time"
)

// Options are a resolver's.
type Options struct{ RecursiveNameservers []string }

// Client would resolve names.
type Client struct{}

// ChallengeOption changes a challenge.
type ChallengeOption func()

// NewClient makes a client of nothing.
func NewClient(*Options) *Client { return &Client{} }

// SetDefaultClient has no effect.
func SetDefaultClient(*Client) {}

// LazyCondOption has no effect.
func LazyCondOption(bool, func() ChallengeOption) ChallengeOption { return nil }

// CombineOptions has no effect.
func CombineOptions(...ChallengeOption) ChallengeOption { return nil }

// CondOptions has no effect.
func CondOptions(bool, ...ChallengeOption) ChallengeOption { return nil }

// DisableAuthoritativeNssPropagationRequirement has no effect.
func DisableAuthoritativeNssPropagationRequirement() ChallengeOption { return nil }

// DisableRecursiveNSsPropagationRequirement has no effect.
func DisableRecursiveNSsPropagationRequirement() ChallengeOption { return nil }

// PropagationWait has no effect.
func PropagationWait(time.Duration, bool) ChallengeOption { return nil }

// UnFqdn is a name without the dot at its end.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }
