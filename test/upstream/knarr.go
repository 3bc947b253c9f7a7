// Package testing, by way of an overlay: starts knarr where upstream's integration tests start an API server of their own.
package testing

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	utilfeature "k8s.io/apiserver/pkg/util/feature"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	startTimeout = time.Minute
	// As upstream: the tests' client is system:apiserver by its token and has no certificate, so that others can be impersonated by theirs.
	token = "loopback-of-the-test"
	user  = token + ",system:apiserver,loopback,system:masters\n"
)

// Knarr is a server that has started.
type Knarr struct {
	Config *restclient.Config
	Dir    string
	// Stop may be called more than once, and is when the test ends.
	Stop func()
}

// Flags of kube-apiserver that knarr has under the same name.
var known = names("feature-gates runtime-config disable-admission-plugins enable-admission-plugins advertise-address request-timeout " +
	"max-requests-inflight max-mutating-requests-inflight audit-policy-file audit-log-path audit-log-version audit-log-mode " +
	"event-ttl token-auth-file service-node-port-range")

// Flags that change nothing a client sees, or that say what knarr does anyway.
var ignored = names("endpoint-reconciler-type storage-media-type cert-dir watch-cache profiling v vmodule etcd-prefix etcd-servers " +
	"authentication-skip-lookup authentication-kubeconfig authorization-kubeconfig kubeconfig enable-priority-and-fairness " +
	"anonymous-auth allow-privileged")

func names(list string) map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(list) {
		set[name] = true
	}
	return set
}

// translate gives knarr's flags for kube-apiserver's, each with its value; the second result is the first flag that knarr cannot follow.
func translate(flags []string) ([]string, string) {
	result := []string{}
	for i := 0; i < len(flags); i++ {
		name, value, isOneWord := strings.Cut(strings.TrimLeft(flags[i], "-"), "=")
		if !isOneWord && i+1 < len(flags) && !strings.HasPrefix(flags[i+1], "-") {
			i++
			value = flags[i]
		}
		switch {
		case name == "authorization-mode":
			if !strings.Contains(value, "RBAC") {
				return nil, flags[i]
			}
		case name == "service-cluster-ip-range":
			result = append(result, "--service-cidr", value)
		case known[name]:
			result = append(result, "--"+name, value)
		case !ignored[name]:
			return nil, flags[i]
		}
	}
	return result, ""
}

// changedGates are the feature gates the test has turned: it means the server too, which shares the process elsewhere. Locked ones, which an
// older version is emulated for, stay as they are.
func changedGates() []string {
	gates := []string{}
	for name, spec := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		if on := utilfeature.DefaultFeatureGate.Enabled(name); on != spec.Default && !spec.LockToDefault {
			gates = append(gates, fmt.Sprintf("%s=%v", name, on))
		}
	}
	return gates
}

// StartKnarr starts $KNARR_ROOT/dist/knarr.js with the controllers of $KNARR_CONTROLLERS (none by default). The test is skipped when knarr
// does not have what the flags ask for.
func StartKnarr(t testing.TB, flags []string) (*Knarr, error) {
	flags, missing := translate(flags)
	if missing != "" {
		t.Skipf("knarr has no %s", missing)
	}
	if gates := changedGates(); len(gates) > 0 {
		flags = append(flags, "--feature-gates", strings.Join(gates, ","))
	}
	dir, err := os.MkdirTemp("", "knarr-upstream")
	if err != nil {
		return nil, err
	}
	flags, err = withTokens(flags, filepath.Join(dir, "tokens.csv"))
	if err != nil {
		return nil, err
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	args := []string{filepath.Join(os.Getenv("KNARR_ROOT"), "dist", "knarr.js"), "server", "--data-dir", filepath.Join(dir, "data"),
		"--datastore-endpoint", "memory", "--bind-address", "127.0.0.1", "--https-listen-port", "0", "--node", "none",
		"--write-kubeconfig", kubeconfig, "--log-format", "json", "--disable", "local-storage,servicelb"}
	cmd := exec.Command("node", append(append(args, controllerFlags()...), flags...)...)
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ready, ended := make(chan struct{}), make(chan string, 1)
	go watch(bufio.NewReader(output), t.Name(), ready, ended)
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}
	t.Cleanup(stop)
	select {
	case <-ready:
	case last := <-ended:
		stop()
		t.Skipf("knarr does not start with %v: %s", flags, last)
	case <-time.After(startTimeout):
		return nil, fmt.Errorf("knarr was not ready after %v", startTimeout)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 1000, 10000
	config.BearerToken = token
	config.CertData, config.KeyData = nil, nil
	return &Knarr{Config: config, Dir: dir, Stop: stop}, nil
}

// withTokens writes the token of the tests' client to a file, with those of the test's own, and names it in the flags.
func withTokens(flags []string, file string) ([]string, error) {
	users := user
	result := []string{}
	for i := 0; i < len(flags); i += 2 {
		if flags[i] != "--token-auth-file" {
			result = append(result, flags[i], flags[i+1])
			continue
		}
		own, err := os.ReadFile(flags[i+1])
		if err != nil {
			return nil, err
		}
		users += string(own)
	}
	return append(result, "--token-auth-file", file), os.WriteFile(file, []byte(users), 0o600)
}

// controllerFlags leave upstream's controllers alone with the API server, unless the test shall meet knarr's own. One that does nothing runs:
// no list means all of them.
func controllerFlags() []string {
	wanted := os.Getenv("KNARR_CONTROLLERS")
	if wanted == "" {
		wanted = "local-path-provisioner"
	}
	flags := []string{}
	for _, name := range strings.Split(wanted, ",") {
		flags = append(flags, "--controllers", name)
	}
	return flags
}

// watch copies what the server prints to $KNARR_LOGS/<test>.log.
func watch(output *bufio.Reader, test string, ready chan<- struct{}, ended chan<- string) {
	name := strings.ReplaceAll(test, "/", "_") + ".log"
	file, err := os.OpenFile(filepath.Join(os.Getenv("KNARR_LOGS"), name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		defer file.Close()
	}
	last, isReady := "", false
	for {
		line, err := output.ReadString('\n')
		if file != nil {
			_, _ = file.WriteString(line)
		}
		if !isReady && strings.Contains(line, `"knarr is ready"`) {
			isReady = true
			close(ready)
		}
		if line != "" {
			last = line
		}
		if err != nil {
			ended <- last
			return
		}
	}
}
