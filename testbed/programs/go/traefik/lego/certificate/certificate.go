// Package certificate has the requests for certificates, which this build refuses.
package certificate

import (
	"context"

	"github.com/go-acme/lego/v5/acme"
	"github.com/go-acme/lego/v5/certcrypto"
)

// ObtainRequest asks for a certificate.
type ObtainRequest struct {
	Domains          []string
	EmailAddresses   []string
	Profile          string
	PreferredChain   string
	KeyType          certcrypto.KeyType
	Bundle           bool
	EnableCommonName bool
}

// RenewOptions are those of a renewal.
type RenewOptions struct {
	EmailAddresses []string
	Profile        string
	PreferredChain string
	Bundle         bool
}

// Resource is a certificate with its key.
type Resource struct {
	ID          string
	Domains     []string
	PrivateKey  []byte
	Certificate []byte
}

// Certifier would get certificates.
type Certifier struct{}

// Obtain refuses.
func (Certifier) Obtain(context.Context, ObtainRequest) (*Resource, error) {
	return nil, acme.ErrNoClient
}

// Renew refuses.
func (Certifier) Renew(context.Context, Resource, *RenewOptions) (*Resource, error) {
	return nil, acme.ErrNoClient
}
