package testing

import (
	"os"
	"testing"

	extensionsapiserver "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apiextensions-apiserver/pkg/cmd/server/options"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	restclient "k8s.io/client-go/rest"
)

// What follows has the names and shapes of upstream's file of the same package.

type TearDownFunc func()

type TestServerInstanceOptions struct{}

type TestServer struct {
	ClientConfig    *restclient.Config
	ServerOpts      *options.CustomResourceDefinitionsServerOptions
	TearDownFn      TearDownFunc
	TmpDir          string
	CompletedConfig extensionsapiserver.CompletedConfig
}

type Logger interface {
	Errorf(format string, args ...interface{})
	Fatalf(format string, args ...interface{})
	Logf(format string, args ...interface{})
}

func NewDefaultTestServerOptions() *TestServerInstanceOptions { return &TestServerInstanceOptions{} }

func StartTestServer(t Logger, _ *TestServerInstanceOptions, flags []string, _ *storagebackend.Config) (TestServer, error) {
	knarr, err := StartKnarr(t.(testing.TB), append(flags, "--runtime-config=api/all=true"))
	if err != nil {
		return TestServer{}, err
	}
	return TestServer{
		ClientConfig: knarr.Config,
		ServerOpts:   options.NewCustomResourceDefinitionsServerOptions(os.Stdout, os.Stderr),
		TearDownFn:   knarr.Stop,
		TmpDir:       knarr.Dir,
	}, nil
}

func StartTestServerOrDie(t Logger, options *TestServerInstanceOptions, flags []string, storage *storagebackend.Config) *TestServer {
	server, err := StartTestServer(t, options, flags, storage)
	if err != nil {
		t.Fatalf("failed to launch server: %v", err)
	}
	return &server
}
