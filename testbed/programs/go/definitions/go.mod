// Only a list of versions: nothing is compiled, so what these modules require themselves is not listed.
module archesai.test/definitions

go 1.26.6

require (
	github.com/argoproj/argo-cd/v3 v3.4.13
	github.com/cert-manager/cert-manager v1.21.1
	github.com/cloudnative-pg/cloudnative-pg v1.30.1
	github.com/cloudnative-pg/plugin-barman-cloud v0.15.0
	github.com/envoyproxy/gateway v1.9.1
	github.com/external-secrets/external-secrets v1.3.2
	github.com/prometheus-operator/prometheus-operator v0.93.1
	github.com/vmware-tanzu/velero v1.18.3
	github.com/traefik/traefik/v3 v3.7.11
	sigs.k8s.io/gateway-api v1.6.1
)
