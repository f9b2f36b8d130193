// Package registration has the requests for accounts, which this build refuses.
package registration

import (
	"context"

	"github.com/go-acme/lego/v5/acme"
)

// RegisterOptions are those of an account.
type RegisterOptions struct{ TermsOfServiceAgreed bool }

// RegisterEABOptions are those of an account that is bound to another.
type RegisterEABOptions struct {
	TermsOfServiceAgreed bool
	Kid                  string
	HmacEncoded          string
}

// Registrar would make accounts.
type Registrar struct{}

// Register refuses.
func (Registrar) Register(context.Context, RegisterOptions) (*acme.ExtendedAccount, error) {
	return nil, acme.ErrNoClient
}

// RegisterWithExternalAccountBinding refuses.
func (Registrar) RegisterWithExternalAccountBinding(context.Context, RegisterEABOptions) (*acme.ExtendedAccount, error) {
	return nil, acme.ErrNoClient
}
