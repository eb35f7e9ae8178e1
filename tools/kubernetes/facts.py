"""What the client's models don't tell of Kubernetes' types: groups, sizes of numbers, quantities, keys of lists, enums.

Facts: k8s.io/api and k8s.io/apimachinery 1.36 (Apache-2.0); a field is written Class.field, `*` stands for any class.
"""

from __future__ import annotations


def _words(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


META = "io.k8s.apimachinery.pkg.apis.meta.v1"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
RAW_EXTENSION = "io.k8s.apimachinery.pkg.runtime.RawExtension"
APIEXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"

META_CLASSES = _words(
    "APIGroup APIGroupList APIResource APIResourceList APIVersions Condition DeleteOptions GroupVersionForDiscovery "
    "LabelSelector LabelSelectorRequirement ListMeta ManagedFieldsEntry ObjectMeta OwnerReference Preconditions "
    "ServerAddressByClientCIDR ShardInfo Status StatusCause StatusDetails WatchEvent FieldSelectorRequirement"
)

CORE_CLASSES = ("TopologySelectorTerm", "TopologySelectorLabelRequirement")

# (definitions' package, group, version): kinds, in the order in which types without a group of their own are given away
GROUPS: dict[tuple[str, str, str], str] = {
    ("io.k8s.api.core.v1", "", "v1"): (
        "Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume "
        "PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount"
    ),
    ("io.k8s.api.apps.v1", "apps", "v1"): "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    ("io.k8s.api.autoscaling.v1", "autoscaling", "v1"): "HorizontalPodAutoscaler Scale",
    ("io.k8s.api.autoscaling.v2", "autoscaling", "v2"): "HorizontalPodAutoscaler",
    ("io.k8s.api.batch.v1", "batch", "v1"): "CronJob Job",
    ("io.k8s.api.policy.v1", "policy", "v1"): "Eviction PodDisruptionBudget",
    ("io.k8s.api.rbac.v1", "rbac.authorization.k8s.io", "v1"): "ClusterRole ClusterRoleBinding Role RoleBinding",
    ("io.k8s.api.networking.v1", "networking.k8s.io", "v1"): (
        "IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR"
    ),
    ("io.k8s.api.discovery.v1", "discovery.k8s.io", "v1"): "EndpointSlice",
    ("io.k8s.api.coordination.v1", "coordination.k8s.io", "v1"): "Lease",
    ("io.k8s.api.events.v1", "events.k8s.io", "v1"): "Event",
    ("io.k8s.api.authentication.v1", "authentication.k8s.io", "v1"): "SelfSubjectReview TokenRequest TokenReview",
    ("io.k8s.api.authorization.v1", "authorization.k8s.io", "v1"): (
        "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview"
    ),
    (APIEXTENSIONS, "apiextensions.k8s.io", "v1"): "CustomResourceDefinition",
    ("io.k8s.kube-aggregator.pkg.apis.apiregistration.v1", "apiregistration.k8s.io", "v1"): "APIService",
    ("io.k8s.api.admissionregistration.v1", "admissionregistration.k8s.io", "v1"): (
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration "
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"
    ),
    ("io.k8s.api.scheduling.v1", "scheduling.k8s.io", "v1"): "PriorityClass",
    ("io.k8s.api.storage.v1", "storage.k8s.io", "v1"): (
        "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass"
    ),
    ("io.k8s.api.node.v1", "node.k8s.io", "v1"): "RuntimeClass",
    ("io.k8s.api.certificates.v1", "certificates.k8s.io", "v1"): "CertificateSigningRequest",
    ("io.k8s.api.flowcontrol.v1", "flowcontrol.apiserver.k8s.io", "v1"): "FlowSchema PriorityLevelConfiguration",
    ("io.k8s.api.resource.v1", "resource.k8s.io", "v1"): (
        "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice"
    ),
}

INT64 = _words(
    "*.generation *.observedGeneration *.deletionGracePeriodSeconds *.gracePeriodSeconds *.remainingItemCount "
    "*.activeDeadlineSeconds *.runAsUser *.runAsGroup *.fsGroup *.supplementalGroups *.tolerationSeconds "
    "*.startingDeadlineSeconds *.sizeBytes PodSpec.terminationGracePeriodSeconds "
    "ServiceAccountTokenProjection.expirationSeconds TokenRequestSpec.expirationSeconds "
    "TokenRequest.expirationSeconds "
    "LinuxContainerUser.gid LinuxContainerUser.uid DeviceAttribute.ints "
    "CSIDriverSpec.nodeAllocatableUpdatePeriodSeconds "
    "Probe.terminationGracePeriodSeconds SleepAction.seconds JSONSchemaProps.maxLength JSONSchemaProps.minLength "
    "JSONSchemaProps.maxItems JSONSchemaProps.minItems JSONSchemaProps.maxProperties JSONSchemaProps.minProperties "
    "ControllerRevision.revision ResourcePool.generation ResourcePool.resourceSliceCount DeviceAttribute.int "
    "ExactDeviceRequest.count DeviceSubRequest.count NodeRuntimeHandler.seconds NodeSwapStatus.capacity "
    "FileKeySelector.seconds ContainerStatus.observedGeneration"
)
MICRO_TIMES = _words("LeaseSpec.acquireTime LeaseSpec.renewTime Event.eventTime EventSeries.lastObservedTime")
QUANTITIES = _words(
    "ResourceRequirements.limits ResourceRequirements.requests VolumeResourceRequirements.limits "
    "VolumeResourceRequirements.requests *.capacity *.allocatable *.allocatedResources PodSpec.overhead "
    "Overhead.podFixed ResourceQuotaSpec.hard ResourceQuotaStatus.hard ResourceQuotaStatus.used LimitRangeItem.default "
    "LimitRangeItem.defaultRequest LimitRangeItem.max LimitRangeItem.maxLimitRequestRatio LimitRangeItem.min "
    "EmptyDirVolumeSource.sizeLimit ResourceFieldSelector.divisor MetricTarget.averageValue MetricTarget.value "
    "MetricValueStatus.averageValue MetricValueStatus.value CSIStorageCapacity.maximumVolumeSize "
    "HPAScalingRules.tolerance "
    "DeviceCapacity.value CapacityRequestPolicy.default CapacityRequestPolicy.validValues "
    "CapacityRequestPolicyRange.min CapacityRequestPolicyRange.max CapacityRequestPolicyRange.step Counter.value "
    "DeviceRequestAllocationResult.consumedCapacity CapacityRequirements.requests"
)
PLAIN_CAPACITIES = _words("NodeSwapStatus.capacity Device.capacity")
INT_OR_STRINGS = _words(
    "ServicePort.targetPort HTTPGetAction.port TCPSocketAction.port NetworkPolicyPort.port "
    "PodDisruptionBudgetSpec.maxUnavailable PodDisruptionBudgetSpec.minAvailable RollingUpdateDaemonSet.maxSurge "
    "RollingUpdateDaemonSet.maxUnavailable RollingUpdateDeployment.maxSurge RollingUpdateDeployment.maxUnavailable "
    "RollingUpdateStatefulSetStrategy.maxUnavailable"
)
BYTES = _words(
    "Secret.data ConfigMap.binaryData WebhookClientConfig.caBundle APIServiceSpec.caBundle "
    "CertificateSigningRequestSpec.request CertificateSigningRequestStatus.certificate"
)
OBJECTS = {
    "ManagedFieldsEntry.fieldsV1": f"{META}.FieldsV1",
    "WatchEvent.object": RAW_EXTENSION,
    "ControllerRevision.data": RAW_EXTENSION,
    "OpaqueDeviceConfiguration.parameters": RAW_EXTENSION,
    "AllocatedDeviceStatus.data": RAW_EXTENSION,
    "JSONSchemaProps.default": f"{APIEXTENSIONS}.JSON",
    "JSONSchemaProps.example": f"{APIEXTENSIONS}.JSON",
    "JSONSchemaProps.enum": f"{APIEXTENSIONS}.JSON",
    "JSONSchemaProps.items": f"{APIEXTENSIONS}.JSONSchemaPropsOrArray",
    "JSONSchemaProps.additionalItems": f"{APIEXTENSIONS}.JSONSchemaPropsOrBool",
    "JSONSchemaProps.additionalProperties": f"{APIEXTENSIONS}.JSONSchemaPropsOrBool",
    "JSONSchemaProps.dependencies": f"{APIEXTENSIONS}.JSONSchemaPropsOrStringArray",
    "CustomResourceSubresources.status": f"{APIEXTENSIONS}.CustomResourceSubresourceStatus",
}

# Lists with a key: field, its keys, and after a slash the key and strategy of a strategic merge patch.
MAP_LISTS = """
PodSpec.volumes name / name merge,retainKeys
PodSpec.initContainers name / name merge
PodSpec.containers name / name merge
PodSpec.ephemeralContainers name / name merge
PodSpec.imagePullSecrets name / name merge
PodSpec.hostAliases ip / ip merge
PodSpec.topologySpreadConstraints topologyKey,whenUnsatisfiable / topologyKey merge
PodSpec.schedulingGates name / name merge
PodSpec.resourceClaims name / name merge,retainKeys
PodStatus.conditions type / type merge
PodStatus.podIPs ip / ip merge
PodStatus.resourceClaimStatuses name / name merge,retainKeys
Container.ports containerPort,protocol / containerPort merge
Container.env name / name merge
Container.volumeMounts mountPath / mountPath merge
Container.volumeDevices devicePath / devicePath merge
EphemeralContainer.ports containerPort,protocol / containerPort merge
EphemeralContainer.env name / name merge
EphemeralContainer.volumeMounts mountPath / mountPath merge
EphemeralContainer.volumeDevices devicePath / devicePath merge
ContainerStatus.allocatedResourcesStatus name / name merge
ContainerStatus.volumeMounts mountPath / mountPath merge
ResourceRequirements.claims name
ResourceStatus.resources resourceID
ServiceSpec.ports port,protocol / port merge
ServiceStatus.conditions type / type merge
ServiceAccount.secrets name / name merge
NodeStatus.conditions type / type merge
NodeStatus.addresses type / type merge
NamespaceStatus.conditions type / type merge
PersistentVolumeClaimStatus.conditions type / type merge
ReplicationControllerStatus.conditions type / type merge
ComponentStatus.conditions type / type merge
ObjectMeta.ownerReferences uid / uid merge
DeploymentStatus.conditions type / type merge
ReplicaSetStatus.conditions type / type merge
DaemonSetStatus.conditions type / type merge
StatefulSetStatus.conditions type / type merge
PodDisruptionBudgetStatus.conditions type / type merge
ServiceCIDRStatus.conditions type / type merge
MutatingWebhookConfiguration.webhooks name / name merge
ValidatingWebhookConfiguration.webhooks name / name merge
MutatingWebhook.matchConditions name / name merge
ValidatingWebhook.matchConditions name / name merge
ValidatingAdmissionPolicySpec.matchConditions name / name merge
ValidatingAdmissionPolicySpec.variables name / name merge
MutatingAdmissionPolicySpec.matchConditions name / name merge
ValidatingAdmissionPolicyStatus.conditions type
CSINodeSpec.drivers name / name merge
HorizontalPodAutoscalerStatus.conditions type / type merge
APIServiceStatus.conditions type / type merge
CustomResourceDefinitionStatus.conditions type
JSONSchemaProps.x-kubernetes-validations rule / rule merge
FlowSchemaStatus.conditions type / type merge
PriorityLevelConfigurationStatus.conditions type / type merge
CertificateSigningRequestStatus.conditions type
ResourceClaimStatus.reservedFor uid / uid merge
ResourceClaimStatus.devices driver,device,pool,shareID
AllocatedDeviceStatus.conditions type
"""
MERGED_LISTS = """
JobStatus.conditions atomic / type merge
ObjectMeta.finalizers set / - merge
NodeSpec.podCIDRs set / - merge
PodStatus.hostIPs atomic / ip merge
ValidatingAdmissionPolicyBindingSpec.validationActions set
PodFailurePolicyOnExitCodesRequirement.values set
UncountedTerminatedPods.failed set
UncountedTerminatedPods.succeeded set
ContainerRestartRuleOnExitCodes.values set
Endpoint.addresses set
NonResourcePolicyRule.nonResourceURLs set
NonResourcePolicyRule.verbs set
ResourcePolicyRule.apiGroups set
ResourcePolicyRule.namespaces set
ResourcePolicyRule.resources set
ResourcePolicyRule.verbs set
CSIDriverSpec.volumeLifecycleModes set
"""
STRATEGIES = {"DeploymentSpec.strategy": "retainKeys", "PodDisruptionBudgetSpec.selector": "replace"}
PLAIN_STRUCTS = ("io.k8s.api.autoscaling.v2.CrossVersionObjectReference", "io.k8s.api.flowcontrol.v1.Subject")
ATOMIC_STRUCTS = _words(
    "LabelSelector ObjectReference LocalObjectReference TypedLocalObjectReference SecretReference SecretKeySelector "
    "ConfigMapKeySelector ObjectFieldSelector ResourceFieldSelector FileKeySelector NodeSelector NodeSelectorTerm "
    "ScopeSelector TopologySelectorTerm EndpointAddress EndpointPort Subject RoleRef CrossVersionObjectReference "
    "ParamRef ParamKind MatchResources NamedRuleWithOperations OwnerReference Variable ServiceBackendPort"
)

ENUMS = {
    "Container.imagePullPolicy": "Always IfNotPresent Never",
    "Container.terminationMessagePolicy": "FallbackToLogsOnError File",
    "EphemeralContainer.imagePullPolicy": "Always IfNotPresent Never",
    "EphemeralContainer.terminationMessagePolicy": "FallbackToLogsOnError File",
    "ContainerPort.protocol": "SCTP TCP UDP",
    "DaemonSetUpdateStrategy.type": "OnDelete RollingUpdate",
    "DeploymentStrategy.type": "Recreate RollingUpdate",
    "EndpointPort.protocol": "SCTP TCP UDP",
    "EndpointSlice.addressType": "FQDN IPv4 IPv6",
    "HTTPGetAction.scheme": "HTTP HTTPS",
    "HTTPIngressPath.pathType": "Exact ImplementationSpecific Prefix",
    "CronJobSpec.concurrencyPolicy": "Allow Forbid Replace",
    "JobSpec.completionMode": "Indexed NonIndexed",
    "JobSpec.podReplacementPolicy": "Failed TerminatingOrFailed",
    "NamespaceStatus.phase": "Active Terminating",
    "NetworkPolicyPort.protocol": "SCTP TCP UDP",
    "NodeSelectorRequirement.operator": "DoesNotExist Exists Gt In Lt NotIn",
    "PersistentVolumeSpec.persistentVolumeReclaimPolicy": "Delete Recycle Retain",
    "PersistentVolumeSpec.volumeMode": "Block Filesystem",
    "PersistentVolumeClaimSpec.volumeMode": "Block Filesystem",
    "PodSpec.dnsPolicy": "ClusterFirst ClusterFirstWithHostNet Default None",
    "PodSpec.preemptionPolicy": "Never PreemptLowerPriority",
    "PodSpec.restartPolicy": "Always Never OnFailure",
    "PodStatus.phase": "Failed Pending Running Succeeded Unknown",
    "PodStatus.qosClass": "BestEffort Burstable Guaranteed",
    "PodFailurePolicyRule.action": "Count FailIndex FailJob Ignore",
    "PortStatus.protocol": "SCTP TCP UDP",
    "SeccompProfile.type": "Localhost RuntimeDefault Unconfined",
    "SecurityContext.procMount": "Default Unmasked",
    "ServicePort.protocol": "SCTP TCP UDP",
    "ServiceSpec.externalTrafficPolicy": "Cluster Local",
    "ServiceSpec.internalTrafficPolicy": "Cluster Local",
    "ServiceSpec.ipFamilyPolicy": "PreferDualStack RequireDualStack SingleStack",
    "ServiceSpec.sessionAffinity": "ClientIP None",
    "ServiceSpec.type": "ClusterIP ExternalName LoadBalancer NodePort",
    "StatefulSetSpec.podManagementPolicy": "OrderedReady Parallel",
    "StatefulSetUpdateStrategy.type": "OnDelete RollingUpdate",
    "Taint.effect": "NoExecute NoSchedule PreferNoSchedule",
    "Toleration.effect": "NoExecute NoSchedule PreferNoSchedule",
    "Toleration.operator": "Equal Exists Gt Lt",
    "TopologySpreadConstraint.nodeAffinityPolicy": "Honor Ignore",
    "TopologySpreadConstraint.nodeTaintsPolicy": "Honor Ignore",
    "TopologySpreadConstraint.whenUnsatisfiable": "DoNotSchedule ScheduleAnyway",
}

# The client's models leave out the descriptions of fields that are objects of a type of their own.
DESCRIPTIONS = {
    "*.metadata": (
        "Standard object's metadata. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
    ),
    "*.spec": (
        "Specification of the desired behavior. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#spec-and-status"
    ),
    "*.status": (
        "Most recently observed status. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#spec-and-status"
    ),
    "DeploymentSpec.strategy": "The deployment strategy to use to replace existing pods with new ones.",
    "DeploymentSpec.template": (
        "Template describes the pods that will be created. "
        'The only allowed template.spec.restartPolicy value is "Always".'
    ),
    "DeploymentSpec.selector": (
        "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by "
        "this deployment. It must match the pod template's labels."
    ),
    "*.selector": "A label query over the objects that are meant.",
    "*.template": "The object that will be created.",
    "*.resources": "The compute resources that are needed.",
    "*.securityContext": "Security options.",
    "*.livenessProbe": "Periodic probe of liveness; the container is restarted if it fails.",
    "*.readinessProbe": "Periodic probe of readiness; the container gets no traffic if it fails.",
    "*.startupProbe": "Probe that the pod has successfully initialized.",
}
