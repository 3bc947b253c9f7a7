package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

const maxLineBytes = 64 << 20

// encodeLines answers every line with a line: "<hex> <json>", or "unknown" for kinds client-go does not have.
func encodeLines(in io.Reader, out io.Writer) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<20), maxLineBytes)
	buffered := bufio.NewWriter(out)
	defer buffered.Flush()
	for lines.Scan() {
		answer, err := encodeLine(lines.Bytes())
		if err != nil {
			answer = "error " + err.Error()
		}
		fmt.Fprintln(buffered, answer)
	}
}

func encodeLine(line []byte) (string, error) {
	var named metav1.TypeMeta
	if err := json.Unmarshal(line, &named); err != nil {
		return "", err
	}
	kind := schema.FromAPIVersionAndKind(named.APIVersion, named.Kind)
	object, err := scheme.Scheme.New(kind)
	if err != nil {
		return "unknown", nil
	}
	if err := json.Unmarshal(line, object); err != nil {
		return "", err
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	bytes, err := runtime.Encode(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), object)
	if err != nil {
		return "", err
	}
	shown, err := json.Marshal(object)
	return hex.EncodeToString(bytes) + " " + string(shown), err
}
