// Package http01 has the options of the HTTP challenge.
package http01

import "time"

// PathPrefix is that of the answers (RFC 8555, section 8.3).
const PathPrefix = "/.well-known/acme-challenge/"

// ChallengeOption changes a challenge.
type ChallengeOption func()

// SetDelay has no effect.
func SetDelay(time.Duration) ChallengeOption { return nil }
