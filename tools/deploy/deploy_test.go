// Package deploy checks the files in deploy/ with the parsers of the tools that read them.
package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const files = "../../deploy/"

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(files + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Each manifest has only fields that Kubernetes knows, and they fit each other.
func TestManifests(t *testing.T) {
	names, err := filepath.Glob(files + "kubernetes/*.yaml")
	if err != nil || len(names) < 2 {
		t.Fatalf("%d files: %v", len(names), err)
	}
	var deployment appsv1.Deployment
	var service corev1.Service
	var secret corev1.Secret
	var budget policyv1.PodDisruptionBudget
	kinds := map[string]any{"Deployment": &deployment, "Service": &service, "Secret": &secret, "PodDisruptionBudget": &budget}
	for _, name := range names {
		for _, document := range bytes.Split(read(t, strings.TrimPrefix(name, files)), []byte("\n---\n")) {
			var kind v1.TypeMeta
			if err := yaml.Unmarshal(document, &kind); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			into := kinds[kind.Kind]
			if into == nil {
				t.Fatalf("%s: nobody checks a %q", name, kind.Kind)
			}
			if err := yaml.UnmarshalStrict(document, into); err != nil {
				t.Errorf("%s: %s: %v", name, kind.Kind, err)
			}
			delete(kinds, kind.Kind)
		}
	}
	if len(kinds) > 0 {
		t.Errorf("missing: %v", kinds)
	}
	labels := deployment.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"the deployment": deployment.Spec.Selector.MatchLabels, "the service": service.Spec.Selector, "the disruption budget": budget.Spec.Selector.MatchLabels,
	} {
		for key, value := range selector {
			if labels[key] != value {
				t.Errorf("%s selects %s=%s, which no pod has", what, key, value)
			}
		}
	}
	pod := deployment.Spec.Template.Spec
	if from := pod.Volumes[0].Secret; from == nil || from.SecretName != secret.Name {
		t.Errorf("the pod does not mount the secret %s", secret.Name)
	}
	for _, env := range pod.Containers[0].Env {
		dir, key := filepath.Split(env.Value)
		if !strings.HasSuffix(env.Name, "_FILE") {
			continue
		}
		if _, is := secret.StringData[key]; !is || dir != pod.Containers[0].VolumeMounts[0].MountPath+"/" {
			t.Errorf("%s names %s, which the secret does not hold", env.Name, env.Value)
		}
	}
}

// The compose file is one, and what its services use is defined.
func TestCompose(t *testing.T) {
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  files,
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: read(t, "compose.yaml")}},
		Environment: types.Mapping{"POSTGRES_PASSWORD": "secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	syncd, err := project.GetService("syncd")
	if err != nil {
		t.Fatal(err)
	}
	if !syncd.ReadOnly || len(syncd.Secrets) != 1 {
		t.Errorf("read-only %v, %d secrets", syncd.ReadOnly, len(syncd.Secrets))
	}
	if _, err := os.Stat(filepath.Join(files, "..", syncd.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
}

// The Dockerfile parses, and BuildKit's own linter has nothing to say.
func TestDockerfile(t *testing.T) {
	parsed, err := parser.Parse(bytes.NewReader(read(t, "Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range parsed.Warnings {
		t.Error(w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, at []parser.Range) {
		t.Errorf("%s: %s %v", rule, message, at)
	}})
	stages, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	last := stages[len(stages)-1]
	if !strings.HasSuffix(last.BaseName, ":nonroot") {
		t.Errorf("the image runs as root: it is made from %s", last.BaseName)
	}
	checked := false
	for _, c := range last.Commands {
		checked = checked || c.Name() == "HEALTHCHECK"
	}
	if !checked {
		t.Error("the image has no HEALTHCHECK")
	}
}

// What goes into the packages is in the repository, or made by the script that makes them.
func TestPackages(t *testing.T) {
	var config struct {
		Contents []struct {
			Src, Dst, Type string
			Expand         bool
		}
		Scripts map[string]string
	}
	if err := yaml.Unmarshal(read(t, "packages/nfpm.yaml"), &config); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../../scripts/release.sh")
	if err != nil {
		t.Fatal(err)
	}
	shares := strings.NewReplacer("$DIST/share/$shell", "$DIST/share/bash $DIST/share/zsh $DIST/share/fish")
	there := func(source string) {
		if made, is := strings.CutPrefix(source, "${DIST}/share/"); is {
			if !strings.Contains(shares.Replace(string(script)), "$DIST/share/"+made) {
				t.Errorf("scripts/release.sh does not make %s", source)
			}
			return
		}
		if strings.HasPrefix(source, "${DIST}/") {
			return
		}
		if found, err := filepath.Glob("../../" + source); err != nil || len(found) == 0 {
			t.Errorf("%s is not there: %v", source, err)
		}
	}
	installed := map[string]bool{}
	for _, c := range config.Contents {
		installed[c.Dst] = true
		if c.Type != "dir" {
			there(c.Src)
		}
		if strings.Contains(c.Src, "${") != c.Expand {
			t.Errorf("%s: nfpm expands variables where expand is true", c.Src)
		}
	}
	for _, source := range config.Scripts {
		there(source)
	}
	for _, path := range []string{"/usr/bin/syncd", "/usr/lib/systemd/system/syncd.service", "/usr/share/man/man1/syncd.1.gz"} {
		if !installed[path] {
			t.Errorf("%s is not installed", path)
		}
	}
	if len(config.Scripts) != 2 || !strings.Contains(string(read(t, "systemd/syncd.service")), "\nExecStart=/usr/local/bin/syncd ") {
		t.Errorf("scripts: %v; the unit starts another program than the script replaces", config.Scripts)
	}
}
