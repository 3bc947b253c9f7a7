package framework

import (
	"context"
	"fmt"
	"strings"
	"testing"

	client "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	kastesting "k8s.io/kubernetes/cmd/kube-apiserver/app/testing"
	"k8s.io/kubernetes/pkg/controlplane"
)

// What follows has the names and shapes of upstream's file of the same package.

type TestServerSetup struct {
	ModifyServerRunOptions func(*options.ServerRunOptions)
	ModifyServerConfig     func(*controlplane.Config)
}

type TearDownFunc func()

func StartTestServer(_ context.Context, t testing.TB, setup TestServerSetup) (client.Interface, *rest.Config, TearDownFunc) {
	wanted := options.NewServerRunOptions()
	wanted.Authorization.Modes = []string{"Node", "RBAC"}
	wanted.ServiceClusterIPRanges = "10.0.0.0/24"
	if setup.ModifyServerRunOptions != nil {
		setup.ModifyServerRunOptions(wanted)
	}
	if wanted.Admission.GenericAdmission.ConfigFile != "" {
		t.Skip("knarr has no admission configuration file")
	}
	server := kastesting.StartTestServerOrDie(t, nil, flagsOf(wanted), nil)
	return client.NewForConfigOrDie(server.ClientConfig), server.ClientConfig, TearDownFunc(server.TearDownFn)
}

// flagsOf says in flags what tests set in the options themselves.
func flagsOf(wanted *options.ServerRunOptions) []string {
	usual := options.NewServerRunOptions()
	flags := []string{
		"--authorization-mode=" + strings.Join(wanted.Authorization.Modes, ","),
		"--service-cluster-ip-range=" + wanted.ServiceClusterIPRanges,
	}
	if file := wanted.Authentication.TokenFile; file != nil && file.TokenFile != "" {
		flags = append(flags, "--token-auth-file="+file.TokenFile)
	}
	if plugins := wanted.Admission.GenericAdmission.DisablePlugins; len(plugins) > 0 {
		flags = append(flags, "--disable-admission-plugins="+strings.Join(plugins, ","))
	}
	if config := wanted.APIEnablement.RuntimeConfig.String(); config != "" {
		flags = append(flags, "--runtime-config="+config)
	}
	reads, writes := wanted.GenericServerRunOptions.MaxRequestsInFlight, wanted.GenericServerRunOptions.MaxMutatingRequestsInFlight
	if reads != usual.GenericServerRunOptions.MaxRequestsInFlight {
		flags = append(flags, fmt.Sprintf("--max-requests-inflight=%d", reads))
	}
	if writes != usual.GenericServerRunOptions.MaxMutatingRequestsInFlight {
		flags = append(flags, fmt.Sprintf("--max-mutating-requests-inflight=%d", writes))
	}
	return flags
}
