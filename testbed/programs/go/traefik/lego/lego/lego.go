// Package lego has the client, which this build has not.
package lego

import (
	"crypto"
	"crypto/x509"
	"net/http"
	"time"

	"github.com/go-acme/lego/v5/acme"
	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/challenge/dns01"
	"github.com/go-acme/lego/v5/challenge/http01"
	"github.com/go-acme/lego/v5/challenge/tlsalpn01"
	"github.com/go-acme/lego/v5/registration"
)

// DirectoryURLLetsEncrypt is Let's Encrypt's.
const DirectoryURLLetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// User is an account's owner.
type User interface {
	GetEmail() string
	GetRegistration() *acme.ExtendedAccount
	GetPrivateKey() crypto.Signer
}

// Config is a client's.
type Config struct {
	CADirURL    string
	UserAgent   string
	HTTPClient  *http.Client
	Certificate struct{ Timeout time.Duration }
}

// Client would speak to a certificate authority.
type Client struct {
	Certificate  certificate.Certifier
	Challenge    Solvers
	Registration registration.Registrar
}

// Solvers would answer challenges.
type Solvers struct{}

// NewConfig makes a configuration.
func NewConfig(User) *Config { return &Config{} }

// NewClient refuses.
func NewClient(*Config) (*Client, error) { return nil, acme.ErrNoClient }

// CreateCertPool refuses.
func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, acme.ErrNoClient }

// SetDNS01Provider refuses.
func (Solvers) SetDNS01Provider(challenge.Provider, ...dns01.ChallengeOption) error {
	return acme.ErrNoClient
}

// SetHTTP01Provider refuses.
func (Solvers) SetHTTP01Provider(challenge.Provider, ...http01.ChallengeOption) error {
	return acme.ErrNoClient
}

// SetTLSALPN01Provider refuses.
func (Solvers) SetTLSALPN01Provider(challenge.Provider, ...tlsalpn01.ChallengeOption) error {
	return acme.ErrNoClient
}
