// Package acme has the types of an account; this build has no client for the protocol.
package acme

import "errors"

// ErrNoClient is what every call of this build returns.
var ErrNoClient = errors.New("this build has no ACME client")

// Account is an account at a certificate authority.
type Account struct{}

// ExtendedAccount is an account with its address.
type ExtendedAccount struct {
	Account
	Location string
}
