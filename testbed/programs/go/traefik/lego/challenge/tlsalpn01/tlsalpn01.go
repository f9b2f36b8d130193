// Package tlsalpn01 has the options of the TLS challenge.
package tlsalpn01

import (
	"time"

	"github.com/go-acme/lego/v5/acme"
)

// ACMETLS1Protocol is the name that the challenge negotiates (RFC 8737).
const ACMETLS1Protocol = "acme-tls/1"

// ChallengeOption changes a challenge.
type ChallengeOption func()

// SetDelay has no effect.
func SetDelay(time.Duration) ChallengeOption { return nil }

// ChallengeBlocks refuses.
func ChallengeBlocks(string, string) ([]byte, []byte, error) { return nil, nil, acme.ErrNoClient }
