{{- define "weir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Also the names of the Service, the Lease and the stem of the operator's Secret. */}}
{{- define "weir.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "weir.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "weir.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Of what is cluster-wide: no two releases may share it. A namespace holds no dot, so the first one ends it. */}}
{{- define "weir.clusterName" -}}
{{- printf "%s.%s" .Release.Namespace (include "weir.fullname" .) }}
{{- end }}

{{- define "weir.selectorLabels" -}}
app.kubernetes.io/name: {{ include "weir.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "weir.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "weir.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "weir.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "weir.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "weir.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* What the operator may do where it runs Pipelines. Nothing here reads a Secret or a ConfigMap. */}}
{{- define "weir.rules" -}}
- apiGroups: [weir.dev]
  resources: [pipelines]
  verbs: [get, list, watch, patch, delete] # patch: a former version's finalizer; delete: ttlSecondsAfterFinished
- apiGroups: [weir.dev]
  resources: [pipelines/status]
  verbs: [update, patch]
- apiGroups: [weir.dev]
  resources: [pipelines/finalizers] # so that task pods may be owned by their Pipeline
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, delete, patch] # patch: the finalizer weir.dev/result and the label weir.dev/done
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* Checks extraArgs for what the chart says itself, abbreviated or not: the later one would win. */}}
{{- define "weir.checkExtraArgs" -}}
{{- $instead := dict
  "--leader-elect" "set leaderElection.enabled"
  "--launcher-image" "set launcher.image"
  "--launcher-pull-policy" "set launcher.pullPolicy"
  "--log-level" "set logLevel"
  "--namespaces" "set watchNamespaces"
  "--ttl-seconds-after-finished" "set ttlSecondsAfterFinished"
  "--lease-name" "it is the release's name; set fullnameOverride"
  "--service-name" "it is the release's name; set fullnameOverride"
  "--namespace" "it is the release's"
  "--report-port" "the Service leads to 8443"
  "--http-port" "the probes and the Service lead to 8080"
  "--guard-file" "the volume for it is there"
  "--release-pods" "the Job of helm uninstall has it; set uninstall.releasePods" }}
{{- range .Values.extraArgs }}
{{- $option := first (splitList "=" .) }}
{{- range $own, $hint := $instead }}
{{- if hasPrefix $option $own }}{{ fail (printf "extraArgs: %s is for the chart to say: %s" $option $hint) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Pod Security "restricted", of the pod and of its container. */}}
{{- define "weir.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "weir.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Not empty where the operator may let pods of a dying namespace go: see templates/leaving.yaml. */}}
{{- define "weir.leaving" -}}
{{- $api := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" }}
{{- $wanted := dig "leavingNamespaces" true .Values.rbac }}
{{- if and .Values.rbac.create $wanted .Values.watchNamespaces $api }}true{{ end }}
{{- end }}

{{/* Annotations of what `helm uninstall` makes at its end, and removes when it went well; the argument is its place. */}}
{{- define "weir.uninstallHook" -}}
helm.sh/hook: post-delete
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
