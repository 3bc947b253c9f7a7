package main

import (
	"context"
	"fmt"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/retry"
)

const (
	protobufType = "application/vnd.kubernetes.protobuf"
	sessionLimit = 60 * time.Second
	namespace    = "default"
)

func must(err error, step string) { check(err == nil, fmt.Sprintf("%s %v", step, err)) }

func check(isOk bool, step string) {
	if !isOk {
		fmt.Println("FAIL", step)
		os.Exit(1)
	}
	fmt.Println("ok", step)
}

type session struct {
	ctx     context.Context
	config  *rest.Config
	client  kubernetes.Interface
	pods    informers.GenericInformer
	deleted chan string
	token   string
}

func runSession(url, token string) {
	ctx, cancel := context.WithTimeout(context.Background(), sessionLimit)
	defer cancel()
	config := &rest.Config{Host: url, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	config.ContentType = protobufType
	config.AcceptContentTypes = protobufType
	client, err := kubernetes.NewForConfig(config)
	must(err, "client")
	s := &session{ctx: ctx, config: config, client: client, deleted: make(chan string, 16), token: token}
	s.startInformers()
	s.configMaps()
	uid := s.pod()
	s.deployment()
	s.reviews()
	s.seenByInformers(uid)
	s.metadata()
	groups, err := client.Discovery().ServerPreferredResources()
	must(err, "discovery")
	check(len(groups) > 10, "discovery has groups")
}

func (s *session) startInformers() {
	factory := informers.NewSharedInformerFactory(s.client, 0)
	s.pods, _ = factory.ForResource(corev1.SchemeGroupVersion.WithResource("pods"))
	_, err := s.pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(object any) {
		if pod, ok := object.(*corev1.Pod); ok {
			s.deleted <- pod.Name
		}
	}})
	must(err, "event handler")
	factory.Core().V1().ConfigMaps().Informer()
	factory.Apps().V1().Deployments().Informer()
	factory.Start(s.ctx.Done())
	for kind, isSynced := range factory.WaitForCacheSync(s.ctx.Done()) {
		check(isSynced, "informer synced "+kind.String())
	}
}

func (s *session) configMaps() {
	configMaps := s.client.CoreV1().ConfigMaps(namespace)
	_, err := configMaps.Get(s.ctx, "absent", metav1.GetOptions{})
	check(apierrors.IsNotFound(err), "not found is typed")
	created, err := configMaps.Create(s.ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "cm", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"text": "ö€😀"}},
		Data:       map[string]string{"k": "v"},
		BinaryData: map[string][]byte{"b": {0, 1, 255}, "empty": {}},
	}, metav1.CreateOptions{})
	must(err, "create configmap")
	isWhole := string(created.BinaryData["b"]) == "\x00\x01\xff" && created.Annotations["text"] == "ö€😀"
	check(isWhole && created.UID != "" && !created.CreationTimestamp.IsZero(), "configmap came back whole")

	created.Data["k"] = "w"
	updated, err := configMaps.Update(s.ctx, created, metav1.UpdateOptions{})
	must(err, "update configmap")
	check(updated.Data["k"] == "w", "configmap is updated")
	_, err = configMaps.Update(s.ctx, created, metav1.UpdateOptions{})
	check(apierrors.IsConflict(err), "conflict is typed")
	_, err = configMaps.Patch(s.ctx, "cm", types.StrategicMergePatchType, []byte(`{"data":{"p":"q"}}`), metav1.PatchOptions{})
	must(err, "patch configmap")
	must(configMaps.DeleteCollection(s.ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "a=b"}), "delete configmaps")
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}
}

func (s *session) pod() types.UID {
	pods := s.client.CoreV1().Pods(namespace)
	created, err := pods.Create(s.ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: podSpec()}, metav1.CreateOptions{})
	must(err, "create pod")
	check(created.Spec.RestartPolicy == corev1.RestartPolicyAlways && *created.Spec.TerminationGracePeriodSeconds == 30, "pod is defaulted")
	_, err = pods.Create(s.ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "bad"}}, metav1.CreateOptions{})
	check(apierrors.IsInvalid(err), "invalid is typed")
	return created.UID
}

func (s *session) deployment() {
	deployments := s.client.AppsV1().Deployments(namespace)
	replicas := int32(2)
	labels := map[string]string{"app": "d"}
	created, err := deployments.Create(s.ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "d"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podSpec()},
		},
	}, metav1.CreateOptions{})
	must(err, "create deployment")
	check(created.Spec.Strategy.RollingUpdate.MaxSurge.String() == "25%", "deployment is defaulted")
	// The controller writes to it at the same time.
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		scale, err := deployments.GetScale(s.ctx, "d", metav1.GetOptions{})
		must(err, "get scale")
		scale.Spec.Replicas = 5
		scale, err = deployments.UpdateScale(s.ctx, "d", scale, metav1.UpdateOptions{})
		if err == nil {
			check(scale.Spec.Replicas == 5, "scale came back")
		}
		return err
	})
	must(err, "update scale")
	list, err := s.client.AppsV1().Deployments("").List(s.ctx, metav1.ListOptions{})
	must(err, "list deployments")
	check(len(list.Items) == 1 && list.ResourceVersion != "" && *list.Items[0].Spec.Replicas == 5, "the list has it")
}

func (s *session) reviews() {
	token := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: s.token}}
	authenticated, err := s.client.AuthenticationV1().TokenReviews().Create(s.ctx, token, metav1.CreateOptions{})
	must(err, "token review")
	check(authenticated.Status.Authenticated, "token is authenticated")
	attributes := &authorizationv1.ResourceAttributes{Verb: "get", Resource: "pods"}
	access := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: attributes}}
	allowed, err := s.client.AuthorizationV1().SelfSubjectAccessReviews().Create(s.ctx, access, metav1.CreateOptions{})
	must(err, "access review")
	check(allowed.Status.Allowed, "access is allowed")
}

func (s *session) seenByInformers(uid types.UID) {
	err := wait.PollUntilContextTimeout(s.ctx, 20*time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
		object, err := s.pods.Lister().ByNamespace(namespace).Get("p")
		if err != nil {
			return false, nil
		}
		pod, isPod := object.(*corev1.Pod)
		return isPod && pod.UID == uid && pod.Spec.Containers[0].Image == "i", nil
	})
	must(err, "informer saw the pod")
	now := int64(0)
	must(s.client.CoreV1().Pods(namespace).Delete(s.ctx, "p", metav1.DeleteOptions{GracePeriodSeconds: &now}), "delete pod")
	for name := ""; name != "p"; {
		select {
		case name = <-s.deleted:
		case <-s.ctx.Done():
			check(false, "informer saw the delete")
		}
	}
	check(true, "informer saw the delete")
}

// The metadata of custom resources comes in protobuf, too, though they do not.
func (s *session) metadata() {
	client, err := metadata.NewForConfig(s.config)
	must(err, "metadata client")
	factory := metadatainformer.NewSharedInformerFactory(client, 0)
	deployments := factory.ForResource(appsv1.SchemeGroupVersion.WithResource("deployments"))
	deployments.Informer()
	factory.Start(s.ctx.Done())
	for resource, isSynced := range factory.WaitForCacheSync(s.ctx.Done()) {
		check(isSynced, "metadata informer synced "+resource.String())
	}
	_, err = deployments.Lister().ByNamespace(namespace).Get("d")
	must(err, "metadata informer has the deployment")
	charts := schema.GroupVersionResource{Group: "helm.cattle.io", Version: "v1", Resource: "helmcharts"}
	_, err = client.Resource(charts).Namespace("").List(s.ctx, metav1.ListOptions{})
	must(err, "metadata of custom resources")
}
