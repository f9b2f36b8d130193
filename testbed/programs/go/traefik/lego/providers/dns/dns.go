// Package dns has no provider of DNS.
package dns

import (
	"github.com/go-acme/lego/v5/acme"
	"github.com/go-acme/lego/v5/challenge"
)

// NewDNSChallengeProviderByName refuses.
func NewDNSChallengeProviderByName(string) (challenge.Provider, error) { return nil, acme.ErrNoClient }
