// Package challenge has what answers a certificate authority's challenge.
package challenge

import "context"

// Provider answers challenges.
type Provider interface {
	Present(ctx context.Context, domain, token, keyAuth string) error
	CleanUp(ctx context.Context, domain, token, keyAuth string) error
}
