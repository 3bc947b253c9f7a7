package testing

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	extensions "k8s.io/apiextensions-apiserver/pkg/cmd/server/testing"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storageversion"
	restclient "k8s.io/client-go/rest"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	"k8s.io/kubernetes/test/utils/ktesting"
)

// What follows has the names and shapes of upstream's file of the same package.

type TearDownFunc func()

type TestServerInstanceOptions struct {
	SkipHealthzCheck       bool
	EnableCertAuth         bool
	StorageVersionWrapFunc func(storageversion.Manager) storageversion.Manager
	ProxyCA                *ProxyCA
	BinaryVersion          string
	RequestTimeout         time.Duration
}

type TestServer struct {
	ClientConfig      *restclient.Config
	ServerOpts        *options.ServerRunOptions
	TearDownFn        TearDownFunc
	TmpDir            string
	EtcdClient        *clientv3.Client
	EtcdStoragePrefix string
}

type Logger interface {
	Helper()
	Errorf(format string, args ...interface{})
	Fatalf(format string, args ...interface{})
	Logf(format string, args ...interface{})
	Cleanup(func())
}

type ProxyCA struct {
	ProxySigningCert *x509.Certificate
	ProxySigningKey  *rsa.PrivateKey
}

func NewDefaultTestServerOptions() *TestServerInstanceOptions {
	return &TestServerInstanceOptions{EnableCertAuth: true}
}

func StartTestServer(t ktesting.TB, instance *TestServerInstanceOptions, flags []string, storage *storagebackend.Config) (TestServer, error) {
	if instance != nil && (instance.StorageVersionWrapFunc != nil || instance.BinaryVersion != "" || instance.ProxyCA != nil) {
		t.Skip("knarr has no such instance options")
	}
	if instance != nil && instance.RequestTimeout > 0 {
		flags = append(flags, "--request-timeout="+instance.RequestTimeout.String())
	}
	knarr, err := extensions.StartKnarr(t.(testing.TB), flags)
	if err != nil {
		return TestServer{}, err
	}
	server := TestServer{ClientConfig: knarr.Config, ServerOpts: options.NewServerRunOptions(), TearDownFn: knarr.Stop, TmpDir: knarr.Dir}
	if storage != nil {
		server.ServerOpts.Etcd.StorageConfig = *storage
		server.EtcdStoragePrefix = storage.Prefix
	}
	return server, nil
}

func StartTestServerOrDie(t testing.TB, instance *TestServerInstanceOptions, flags []string, storage *storagebackend.Config) *TestServer {
	server, err := StartTestServer(t, instance, flags, storage)
	if err != nil {
		t.Fatalf("failed to launch server: %v", err)
	}
	return &server
}

func GetEtcdClients(storagebackend.TransportConfig) (*clientv3.Client, clientv3.KV, error) {
	return nil, nil, errors.New("knarr keeps its objects elsewhere")
}
