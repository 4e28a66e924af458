"""Objects that the tests apply: the smallest ones that say what is meant."""

from typing import Any

Object = dict[str, Any]

PYTHON = "python:3"
SHELL = "busybox"


def shell(script: str, *, name: str = "main", **fields: Any) -> Object:
    """A container that runs a shell script."""
    return {"name": name, "image": SHELL, "command": ["/bin/sh", "-c", script], **fields}


def python(program: str, *, name: str = "main", **fields: Any) -> Object:
    """A container that runs a Python program."""
    return {"name": name, "image": PYTHON, "command": ["python3", "-u", "-c", program], **fields}


def pod(name: str, *containers: Object, labels: Object | None = None, **spec: Any) -> Object:
    """A pod that runs once, unless the spec says otherwise."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"restartPolicy": "Never", "containers": list(containers), **spec},
    }


def job(name: str, container: Object, *, backoff_limit: int = 0, **spec: Any) -> Object:
    """A Job of one container."""
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": backoff_limit, "template": template, **spec},
    }


def deployment(name: str, container: Object, *, replicas: int = 1, **pod_spec: Any) -> Object:
    """A Deployment whose pods carry the label app=NAME; never fewer pods than asked for while it rolls."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **pod_spec}},
        },
    }


def service(name: str, *, port: int, target: int | str) -> Object:
    """A Service of the pods with the label app=NAME."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port, "targetPort": target}]},
    }


def config_map(name: str, **data: str) -> Object:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name: str, **data: str) -> Object:
    """A Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def field(path: str) -> Object:
    """A variable's value from a field of the pod."""
    return {"fieldRef": {"fieldPath": path}}
