"""Judges manifests: Kubernetes' own kinds by its published schemas, the Prometheus Operator's by operator.yaml, and
both, like the compose file, by what deploy/ promises about hardening.

    validate.py kubernetes FILE...    manifests and kustomizations as they stand, or rendered YAML
    validate.py compose FILE
    validate.py yaml FILE...          parses, and no key twice

Unknown fields are errors: the API server would drop them silently. Every finding is printed; exit 1 if there is one.
"""

import pathlib
import sys

import jsonpatch
import jsonschema
import kubernetes_validate
import yaml

# The pod index label needs 1.28; the newest is what kubernetes-validate brings.
KUBERNETES_VERSIONS = ("1.28", "1.37")
OWN_IMAGE = "d360_exporter"


class UniqueKeys(yaml.SafeLoader):
    """YAML parsers keep the last of two equal keys; a manifest that has them is wrong."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            # `<<` may stand several times, once a merge.
            if key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"expected every key once, found {key.value!r} again", key.start_mark
                )
            seen.add(key.value)
        self.flatten_mapping(node)
        return super().construct_mapping(node, deep)


def documents(path):
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.load_all(file, UniqueKeys) if document is not None]


def operator_schemas():
    """What the API server would apply of the operator's CRDs with fieldValidation=Strict, by API version and kind."""
    [kinds] = documents(pathlib.Path(__file__).parent / "operator.yaml")
    definitions = kinds.pop("definitions")
    return {
        ("monitoring.coreos.com/v1", kind): jsonschema.Draft202012Validator(schema | {"definitions": definitions})
        for kind, schema in kinds.items()
    }


def pod_findings(name, pod):
    security = pod.get("securityContext", {})
    wanted = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for key, value in wanted.items():
        if security.get(key) != value:
            yield f"{name}: expected pod securityContext {key} {value}, found {security.get(key)}"
    if pod.get("automountServiceAccountToken") is not False:
        yield f"{name}: expected automountServiceAccountToken false"
    volumes = {volume["name"] for volume in pod.get("volumes", [])} | pod.get("claims", set())
    for container in pod["containers"]:
        own = container.get("securityContext", {})
        wanted = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        for key, value in wanted.items():
            if own.get(key) != value:
                yield f"{name}: expected container securityContext {key} {value}, found {own.get(key)}"
        for probe, path in (("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready")):
            found = container.get(probe, {}).get("httpGet", {}).get("path")
            if found != path:
                yield f"{name}: expected {probe} to ask {path}, found {found}"
        resources = container.get("resources", {})
        for key in ("requests", "limits"):
            if "memory" not in resources.get(key, {}):
                yield f"{name}: expected resources {key} for memory, found {resources.get(key)}"
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{name}: expected a volume for the mount {mount['name']}, found {sorted(volumes)}"


def resource_findings(where, resource, operator):
    api, kind = resource.get("apiVersion"), resource.get("kind")
    name = f"{where}: {kind} {resource.get('metadata', {}).get('name')}"
    if (api, kind) in operator:
        for error in operator[api, kind].iter_errors(resource):
            yield f"{name}: at {error.json_path}: {error.message}"
        return
    for version in KUBERNETES_VERSIONS:
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            at = ".".join(str(part) for part in error.path)
            yield f"{name}: against Kubernetes {version}: at {at}: {error.message}"
        except (kubernetes_validate.SchemaNotFoundError, kubernetes_validate.InvalidSchemaError) as error:
            yield f"{name}: expected a known kind, found {api} {kind}: {error}"
    if kind in ("Deployment", "StatefulSet"):
        pod = dict(resource["spec"]["template"]["spec"])
        templates = resource["spec"].get("volumeClaimTemplates", [])
        pod["claims"] = {template["metadata"]["name"] for template in templates}
        yield from pod_findings(name, pod)


# The fields of a kustomization that deploy/ may use. More than that, and the check has to learn what it does.
KUSTOMIZATION = {
    "apiVersion", "kind", "namespace", "resources", "images", "configMapGenerator", "generatorOptions", "replacements",
    "patches",
}  # fmt: skip


def resources_of(path):
    """The resources that a kustomization gathers, each with the file that it stands in."""
    [kustomization] = documents(path)
    for entry in kustomization.get("resources", []):
        file = path.parent / entry
        if file.is_dir():
            yield from resources_of(file / "kustomization.yaml")
        else:
            for resource in documents(file):
                yield file, resource


def kustomization_findings(path, kustomization, operator):
    for key in sorted(kustomization.keys() - KUSTOMIZATION):
        yield f"{path}: expected one of {sorted(KUSTOMIZATION)}, found {key}"
    generators = kustomization.get("configMapGenerator", [])
    files = [entry.partition("=")[2] or entry for generator in generators for entry in generator.get("files", [])]
    files += [entry for generator in generators for entry in generator.get("envs", [])]
    for entry in files + kustomization.get("resources", []):
        if not (path.parent / entry).exists():
            yield f"{path}: expected {entry}, found nothing there"
            return
    resources = {(found["kind"], found["metadata"]["name"]): found for _, found in resources_of(path)}
    for patch in kustomization.get("patches", []):
        key = patch["target"]["kind"], patch["target"]["name"]
        if key not in resources:
            yield f"{path}: expected a resource to patch, found no {key}"
            continue
        try:
            patched = jsonpatch.apply_patch(resources[key], yaml.load(patch["patch"], UniqueKeys))
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
            yield f"{path}: expected a patch that applies to {key}: {error}"
            continue
        yield from resource_findings(f"{path} (patched)", patched, operator)
    for replacement in kustomization.get("replacements", []):
        for end in [replacement["source"]] + [target["select"] for target in replacement["targets"]]:
            if (end["kind"], end["name"]) not in resources:
                yield f"{path}: expected a resource for the replacement, found no {end['kind']} {end['name']}"


def kubernetes_findings(paths):
    operator = operator_schemas()
    for path in map(pathlib.Path, paths):
        for resource in documents(path):
            if resource.get("kind") == "Kustomization":
                yield from kustomization_findings(path, resource, operator)
            else:
                yield from resource_findings(path, resource, operator)


def compose_findings(path):
    services = documents(path)[0]["services"]
    # A probe shares the network of the service it asks, and stands in for its health check.
    probed = {
        service["network_mode"].removeprefix("service:")
        for service in services.values()
        if service.get("network_mode", "").startswith("service:") and "healthcheck" in service
    }
    for name, service in services.items():
        where = f"{path}: service {name}"
        if service.get("read_only") is not True:
            yield f"{where}: expected read_only true"
        if service.get("cap_drop") != ["ALL"]:
            yield f"{where}: expected cap_drop [ALL], found {service.get('cap_drop')}"
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{where}: expected security_opt no-new-privileges:true"
        one_shot = service.get("restart") == "no"
        if "healthcheck" not in service and name not in probed and not one_shot:
            yield f"{where}: expected a health check of its own or a probe that shares its network"
        image, _, tag = service["image"].rpartition(":")
        if image != OWN_IMAGE and (not tag or not any(digit.isdigit() for digit in tag)):
            yield f"{where}: expected a pinned image tag, found {service['image']}"
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                yield f"{where}: expected a port published on 127.0.0.1 only, found {port}"
        for mount in service.get("volumes", []):
            if mount["type"] == "bind":
                source = pathlib.Path(path).parent / mount["source"]
                if not source.is_dir():
                    yield f"{where}: expected a directory to mount at {source}, found none"
                if mount.get("read_only") is not True:
                    yield f"{where}: expected the bind mount of {mount['source']} read-only"


def yaml_findings(paths):
    for path in paths:
        try:
            documents(path)
        except yaml.YAMLError as error:
            yield f"{path}: expected YAML, found: {error}"


def main(arguments):
    match arguments:
        case ["kubernetes", *paths] if paths:
            findings = list(kubernetes_findings(paths))
        case ["compose", path]:
            findings = list(compose_findings(path))
        case ["yaml", *paths] if paths:
            findings = list(yaml_findings(paths))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
