"""What every deployment on Kubernetes promises, however it is made; the assertions that hold it to that."""

from agents.config.settings import Settings, load_settings
from agents.delivery.deployment import delivery_settings
from tests.container.files import final
from tests.manifests.objects import Objects

SECRETS = ("_TOKEN", "PASSWORD", "API_KEY", "HEADER_KEY")


def settings_of(objects: Objects) -> Settings:
    """What a worker is told, as a worker reads it; files of a cluster are not here."""
    here = {name: value for name, value in objects.settings.items() if not name.endswith("_CA")}
    secret = {"SKILLSTREAM_WEB_TOKEN": "of-the-Secret-1234567"}
    if objects.settings.get("SKILLSTREAM_BROKER_SECURITY", "").startswith("sasl"):
        secret |= {"SKILLSTREAM_BROKER_USER": "workers", "SKILLSTREAM_BROKER_PASSWORD": "of-the-Secret"}
    return load_settings({**here, **secret})


def assert_promised(objects: Objects) -> None:
    """All promises. Fails with the first that is broken."""
    _assert_hardened(objects)
    _assert_probed(objects)
    _assert_members(objects)
    _assert_kept_apart(objects)


def _assert_hardened(objects: Objects) -> None:
    pod, worker = objects.pod, objects.worker
    user, _, group = final("USER").partition(":")
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user),
        "runAsGroup": int(group),
        "fsGroup": int(group),
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert worker["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "privileged": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert objects.one("ServiceAccount")["automountServiceAccountToken"] is False
    written = {mount["mountPath"] for mount in worker["volumeMounts"] if not mount.get("readOnly")}
    assert written == {"/tmp", final("WORKDIR")}
    assert set(worker["resources"]) == {"requests", "limits"}
    assert "memory" in worker["resources"]["limits"]
    assert not [name for name in objects.settings if name.endswith(SECRETS)]
    assert "secretRef" in {source for each in worker["envFrom"] for source in each}


def _assert_probed(objects: Objects) -> None:
    worker = objects.worker
    (port,) = worker["ports"]
    assert port == {"name": "pages", "containerPort": int(final("EXPOSE"))}
    pages = {name: worker[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {name: page["path"] for name, page in pages.items()} == {
        "startup": "/live",
        "liveness": "/live",
        "readiness": "/ready",
    }
    assert {page["port"] for page in pages.values()} == {"pages"}
    settings = settings_of(objects)
    assert settings.web_host == "0.0.0.0"  # a probe comes from the node
    startup = worker["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] > settings.start_timeout_s


def _assert_members(objects: Objects) -> None:
    pod, worker, settings = objects.pod, objects.worker, settings_of(objects)
    stateful = objects.one("StatefulSet")["spec"]
    told = {each["name"]: each for each in worker["env"]}
    assert told["SKILLSTREAM_INSTANCE_ID"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert told["POD_IP"]["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
    url = told["SKILLSTREAM_ADVERTISED_URL"]["value"].replace("$(POD_IP)", "10.0.0.7")
    assert load_settings({"SKILLSTREAM_ADVERTISED_URL": url}).advertised_url == f"http://10.0.0.7:{settings.web_port}"
    assert pod["enableServiceLinks"] is False, "a worker would be told SKILLSTREAM_…_PORT, and refuse it"
    assert pod["terminationGracePeriodSeconds"] > delivery_settings(settings).stop_timeout_s
    assert stateful["podManagementPolicy"] == "Parallel"
    service = objects.one("Service", stateful["serviceName"])
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert 1 <= settings.expected_workers <= settings.partitions
    if objects.has("ScaledObject"):
        assert "replicas" not in stateful, "an apply would undo what KEDA did"
        _assert_scaled(objects, settings)
    else:
        assert stateful["replicas"] == settings.expected_workers


def _assert_scaled(objects: Objects, settings: Settings) -> None:
    scaled = objects.one("ScaledObject")["spec"]
    assert scaled["scaleTargetRef"]["name"] == objects.one("StatefulSet")["metadata"]["name"]
    assert 1 <= scaled["minReplicaCount"] <= scaled["maxReplicaCount"] == settings.expected_workers
    (trigger,) = scaled["triggers"]
    asked = trigger["metadata"]
    assert (asked["bootstrapServers"], asked["consumerGroup"]) == (str(settings.broker), settings.app_id)
    assert (asked["topic"], asked["allowIdleConsumers"]) == (settings.topic("student-activity"), "false")


def _assert_kept_apart(objects: Objects) -> None:
    labels = objects.one("StatefulSet")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        objects.one("StatefulSet")["spec"]["selector"]["matchLabels"],
        objects.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        objects.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in objects.pod["topologySpreadConstraints"]),
        *(each["spec"]["selector"] for each in objects.all if each["kind"] == "Service"),
    ]
    assert all(selector and selector.items() <= labels.items() for selector in selectors)
    assert objects.one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    spread = {each["topologyKey"] for each in objects.pod["topologySpreadConstraints"]}
    assert spread == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    policy = objects.one("NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule.get("from") for rule in policy["ingress"]), "let in from anywhere"
    let_out = {each["port"] for rule in policy["egress"] for each in rule["ports"]}
    ports = {int(server.rpartition(":")[2]) for server in str(settings_of(objects).broker).split(",")}
    assert {53, 443, *ports} <= let_out
