/** apiregistration.k8s.io/v1 as field facts: k8s.io/kube-aggregator is in none of the Debian packages the generator reads. */
export const KUBE_AGGREGATOR_SOURCE = `
import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
type APIServiceList struct {
	metav1.TypeMeta \`json:",inline"\`
	// +optional
	metav1.ListMeta \`json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"\`
	Items []APIService \`json:"items" protobuf:"bytes,2,rep,name=items"\`
}

type ServiceReference struct {
	// +optional
	Namespace string \`json:"namespace,omitempty" protobuf:"bytes,1,opt,name=namespace"\`
	// +optional
	Name string \`json:"name,omitempty" protobuf:"bytes,2,opt,name=name"\`
	// +optional
	Port *int32 \`json:"port,omitempty" protobuf:"varint,3,opt,name=port"\`
}

type APIServiceSpec struct {
	// +optional
	Service *ServiceReference \`json:"service,omitempty" protobuf:"bytes,1,opt,name=service"\`
	// +optional
	Group string \`json:"group,omitempty" protobuf:"bytes,2,opt,name=group"\`
	// +optional
	Version string \`json:"version,omitempty" protobuf:"bytes,3,opt,name=version"\`
	// +optional
	InsecureSkipTLSVerify bool \`json:"insecureSkipTLSVerify,omitempty" protobuf:"varint,4,opt,name=insecureSkipTLSVerify"\`
	// +listType=atomic
	// +optional
	CABundle []byte \`json:"caBundle,omitempty" protobuf:"bytes,5,opt,name=caBundle"\`
	GroupPriorityMinimum int32 \`json:"groupPriorityMinimum" protobuf:"varint,7,opt,name=groupPriorityMinimum"\`
	VersionPriority int32 \`json:"versionPriority" protobuf:"varint,8,opt,name=versionPriority"\`
}

type ConditionStatus string

type APIServiceConditionType string

type APIServiceCondition struct {
	Type APIServiceConditionType \`json:"type" protobuf:"bytes,1,opt,name=type,casttype=APIServiceConditionType"\`
	Status ConditionStatus \`json:"status" protobuf:"bytes,2,opt,name=status,casttype=ConditionStatus"\`
	// +optional
	LastTransitionTime metav1.Time \`json:"lastTransitionTime,omitempty" protobuf:"bytes,3,opt,name=lastTransitionTime"\`
	// +optional
	Reason string \`json:"reason,omitempty" protobuf:"bytes,4,opt,name=reason"\`
	// +optional
	Message string \`json:"message,omitempty" protobuf:"bytes,5,opt,name=message"\`
}

type APIServiceStatus struct {
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []APIServiceCondition \`json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,1,rep,name=conditions"\`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
type APIService struct {
	metav1.TypeMeta \`json:",inline"\`
	// +optional
	metav1.ObjectMeta \`json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"\`
	Spec APIServiceSpec \`json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"\`
	Status APIServiceStatus \`json:"status,omitempty" protobuf:"bytes,3,opt,name=status"\`
}
`
