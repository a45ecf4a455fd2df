"""Renders k8s/base and checks that everything it names exists. Needs no cluster.

  python3 k8s_test.py --bin FOLDER      FOLDER holds the binaries, whose flags and configuration are tried

Rendering follows kustomize for what we use: resources, configMapGenerator with files, namespace, images. Where kubectl
is installed its own rendering is held against ours. The schema is openapi-definitions.json beside this file (Kubernetes
OpenAPI, Apache-2.0, The Kubernetes Authors): unknown fields, wrong types and missing required fields are findings.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    sys.exit("python3-yaml is missing; ./dev setup installs it")

HERE = pathlib.Path(__file__).resolve().parent
BASE = HERE.parents[1] / "k8s" / "base"
SCHEMA = yaml.safe_load((HERE / "openapi-definitions.json").read_text())["definitions"]
KINDS = {"StatefulSet": "io.k8s.api.apps.v1.StatefulSet", "Service": "io.k8s.api.core.v1.Service",
         "ConfigMap": "io.k8s.api.core.v1.ConfigMap", "Namespace": "io.k8s.api.core.v1.Namespace",
         "PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget"}
# Made by hand before the first apply (k8s/README.md): name -> files in it.
TLS = {"tls.crt", "tls.key", "ca.crt"}
SECRETS = {"token-keys": {"token_keys"}, "operator-key": {"operator_key"}, "sealing-keys": {"sealing_keys"},
           "coordinator-tls": TLS, "sender-tls": TLS,
           "bouncer-tls": TLS}
KUSTOMIZATION_KEYS = {"apiVersion", "kind", "namespace", "resources", "configMapGenerator", "images"}
GRACE_MARGIN_S = 15  # for closing the database after the drain
BIN = None


def render(folder):
    """The manifests of a kustomization; generated names stay without their hash."""
    spec = yaml.safe_load((folder / "kustomization.yaml").read_text())
    unknown = set(spec) - KUSTOMIZATION_KEYS
    assert not unknown, f"{folder.name}: this test does not know {unknown}"
    out = []
    for resource in spec.get("resources", []):
        path = folder / resource
        assert path.exists(), f"{folder.name}/kustomization.yaml names {resource}, which does not exist"
        out += render(path) if path.is_dir() else [d for d in yaml.safe_load_all(path.read_text()) if d]
    for config_map in spec.get("configMapGenerator", []):
        data = {pathlib.Path(name).name: (folder / name).read_text() for name in config_map["files"]}
        out.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": config_map["name"]}, "data": data})
    return out


def violations(value, schema, where):
    """What does not fit the schema; a small part of JSON Schema, as Kubernetes uses it."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if name.endswith((".IntOrString", ".Quantity")):
            return [] if isinstance(value, (int, str)) else [f"{where}: must be a number or text"]
        return violations(value, SCHEMA[name], where)
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "number": (int, float)}
    expected = kinds.get(schema.get("type"))
    if expected and (not isinstance(value, expected) or (expected is int and isinstance(value, bool))):
        return [f"{where}: must be {schema['type']}, is {value!r}"]
    out = []
    if isinstance(value, dict):
        out += [f"{where}: {key} is required" for key in schema.get("required", []) if key not in value]
        for key, item in value.items():
            if key in schema.get("properties", {}):
                out += violations(item, schema["properties"][key], f"{where}.{key}")
            elif "additionalProperties" in schema:
                out += violations(item, schema["additionalProperties"], f"{where}.{key}")
            elif "properties" in schema:
                out.append(f"{where}: there is no field {key}")
    if isinstance(value, list):
        for i, item in enumerate(value):
            out += violations(item, schema.get("items", {}), f"{where}[{i}]")
    return out


def seconds(text):
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(n) * units[u] for n, u in re.findall(r"([\d.]+)(ms|h|m|s)", text))


def port_of(address):
    return int(address.rsplit(":", 1)[1])


class K8sTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.objects = render(BASE)
        cls.by_name = {(o["kind"], o["metadata"]["name"]): o for o in cls.objects}
        cls.sets = {o["metadata"]["name"]: o for o in cls.objects if o["kind"] == "StatefulSet"}

    def pod(self, name):
        return self.sets[name]["spec"]["template"]["spec"]

    def container(self, name):
        containers = self.pod(name)["containers"]
        self.assertEqual(len(containers), 1)
        return containers[0]

    def configs(self, name):
        """(pod name, file name, text) for every pod: what its --config comes to."""
        container = self.container(name)
        data = self.by_name["ConfigMap", f"{name}-config"]["data"]
        argument = container["args"][container["args"].index("--config") + 1]
        for ordinal in range(self.sets[name]["spec"]["replicas"]):
            pod = f"{name}-{ordinal}"
            path = argument.replace("$(POD_NAME)", pod)
            folder, file = path.rsplit("/", 1)
            mounts = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
            volumes = {v["name"]: v for v in self.pod(name)["volumes"]}
            self.assertIn(folder, mounts, f"{name}: nothing is mounted at {folder}")
            self.assertEqual(volumes[mounts[folder]]["configMap"]["name"], f"{name}-config")
            self.assertIn(file, data, f"{name}-config has no {file}, which {pod} reads")
            yield pod, file, data[file]

    def test_schema(self):
        for o in self.objects:
            self.assertIn(o["kind"], KINDS)
            name = f"{o['kind']}/{o['metadata']['name']}"
            self.assertEqual(violations(o, SCHEMA[KINDS[o["kind"]]], name), [])

    def test_schema_check_bites(self):
        service = SCHEMA[KINDS["Service"]]
        for bad in ({"spec": {"prots": []}}, {"spec": {"ports": [{"name": "x"}]}}, {"spec": {"ports": [{"port": "x"}]}},
                    {"spec": []}):
            self.assertNotEqual(violations(bad, service, "x"), [], bad)

    def test_services_reach_pods(self):
        self.assertEqual(set(self.sets), {"coordinator", "sender", "bouncer"})
        for o in self.objects:
            if o["kind"] == "StatefulSet":
                self.assertIn(("Service", o["spec"]["serviceName"]), self.by_name)
                labels = o["spec"]["template"]["metadata"]["labels"]
                self.assertLessEqual(o["spec"]["selector"]["matchLabels"].items(), labels.items())
            if o["kind"] == "Service":
                name = o["spec"]["selector"]["app.kubernetes.io/name"]
                ports = {p["name"] for p in self.container(name)["ports"]}
                for port in o["spec"]["ports"]:
                    self.assertIn(port["targetPort"], ports)
            if o["kind"] == "PodDisruptionBudget":
                self.assertIn(o["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"], self.sets)

    def test_ports_are_the_configured_ones(self):
        for name in self.sets:
            container = self.container(name)
            declared = {p["name"]: p["containerPort"] for p in container["ports"]}
            for _, file, text in self.configs(name):
                config = yaml.safe_load(text)
                listens = {"status": port_of(config["status_listen"])}
                if name == "coordinator":
                    listens["grpc"] = port_of(config["listen"])
                    listens["metrics"] = port_of(config["metrics_listen"])
                if name == "bouncer":
                    listens["smtp"] = port_of(config["listen"][0])
                    listens["page"] = port_of(config["unsubscribe"]["listen"])
                    listens["ingest"] = port_of(config["ingest_listen"])
                    listens["metrics"] = port_of(config["metrics_listen"])
                self.assertEqual(declared, listens, file)
                if "coordinator" in config:
                    host, port = config["coordinator"].rsplit(":", 1)
                    namespace = yaml.safe_load((BASE / "kustomization.yaml").read_text())["namespace"]
                    self.assertEqual(host, f"coordinator.{namespace}.svc.cluster.local")
                    service = self.by_name["Service", "coordinator"]["spec"]["ports"]
                    self.assertIn(int(port), [p["port"] for p in service])
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                self.assertEqual(container[probe]["grpc"]["port"], declared["status"], f"{name} {probe}")

    def test_every_pod_has_egress_ips_of_its_own(self):
        seen = {}
        for pod, _, text in self.configs("sender"):
            config = yaml.safe_load(text)
            self.assertEqual(config["node_id"], pod)
            for ip in config["egress_ips"]:
                self.assertNotIn(ip["address"], seen, f"{pod} and {seen.get(ip['address'])} share an IP")
                seen[ip["address"]] = pod

    def test_paths_are_mounted_and_writable_where_needed(self):
        for name in self.sets:
            container = self.container(name)
            volumes = {v["name"]: v for v in self.pod(name)["volumes"]}
            claims = {c["metadata"]["name"] for c in self.sets[name]["spec"]["volumeClaimTemplates"]}
            mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
            for mount in mounts.values():
                self.assertIn(mount["name"], set(volumes) | claims)
            for _, file, text in self.configs(name):
                for path in re.findall(r"(?<![\w.])/(?:etc|var)/[\w./-]+", text):
                    mount = next((m for p, m in mounts.items() if path.startswith(p + "/")), None)
                    self.assertIsNotNone(mount, f"{file}: {path} is on no volume")
                    if mount["name"] in claims:
                        self.assertFalse(mount.get("readOnly", False))
                        continue
                    secret = volumes[mount["name"]]["secret"]["secretName"]
                    self.assertIn(path.rsplit("/", 1)[1], SECRETS[secret], f"{file}: {path}")
                self.assertTrue(any(yaml.safe_load(text)["data_dir"].startswith(p + "/") for p, m in mounts.items()
                                    if m["name"] in claims), f"{file}: data_dir is not on the claimed volume")

    def test_grace_is_longer_than_the_drain(self):
        for name in self.sets:
            grace = self.pod(name)["terminationGracePeriodSeconds"]
            for _, file, text in self.configs(name):
                config = yaml.safe_load(text)
                drain = config.get("stop_grace") or config.get("limits", {}).get("drain_timeout") or "30s"
                self.assertGreaterEqual(grace, seconds(drain) + GRACE_MARGIN_S, file)

    def test_pods_are_unprivileged(self):
        for name in self.sets:
            self.assertTrue(self.pod(name)["securityContext"]["runAsNonRoot"])
            self.assertEqual(self.container(name)["securityContext"]["capabilities"], {"drop": ["ALL"]})
            # So no port below 1024.
            self.assertTrue(all(p["containerPort"] >= 1024 for p in self.container(name)["ports"]))

    def test_binaries_take_flags_and_configuration(self):
        for name in self.sets:
            container = self.container(name)
            program = BIN / container["command"][0]
            self.assertTrue(program.exists(), f"{program.name} is not built")
            for pod, file, text in self.configs(name):
                with self.subTest(pod=pod), tempfile.TemporaryDirectory() as folder:
                    done = self.check_config(program, folder, file, text)
                    self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
                    done = self.check_config(program, folder, file, text + "no_such_key: 1\n")
                    self.assertNotEqual(done.returncode, 0, "an unknown key must be refused")

    def check_config(self, program, folder, file, text):
        """The mounted paths stand in the folder, with contents of the right form."""
        root = pathlib.Path(folder)
        for secret, names in SECRETS.items():
            for name in names - TLS:
                (root / name).write_text("1 " + "ab" * 32 + "\n" if secret == "token-keys" else "0123456789" * 3 + "\n")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=wavepost", "-keyout", root / "tls.key", "-out", root / "tls.crt"],
                       check=True, capture_output=True)
        shutil.copy(root / "tls.crt", root / "ca.crt")
        text = re.sub(r"(?<![\w.])/etc/wavepost/[\w-]+/", f"{root}/", text)
        text = text.replace("/var/lib/wavepost", f"{root}/data")
        (root / file).write_text(text)
        return subprocess.run([program, "--config", root / file, "--check-config"], capture_output=True, text=True,
                              timeout=60)

    @unittest.skipUnless(shutil.which("kubectl"), "kubectl is not installed")
    def test_kustomize_sees_the_same(self):
        done = subprocess.run(["kubectl", "kustomize", str(BASE)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        theirs = [o for o in yaml.safe_load_all(done.stdout) if o]
        self.assertEqual(sorted(o["kind"] for o in theirs), sorted(o["kind"] for o in self.objects))
        for o in theirs:
            name = f"{o['kind']}/{o['metadata']['name']}"
            self.assertEqual(violations(o, SCHEMA[KINDS[o["kind"]]], name), [])
            if o["kind"] != "Namespace":
                self.assertEqual(o["metadata"]["namespace"], "wavepost")


def main():
    global BIN
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    args, rest = parser.parse_known_args()
    BIN = args.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
