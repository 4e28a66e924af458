"""kopf as the controller imports it."""

import subprocess
import sys

CODE = """
import sys
import autox.cli.commands.controller, kopf
print(sorted(name for name in sys.modules if name.split(".")[0] == "kubernetes"))
import kubernetes.client
print(kubernetes.client.V1ObjectMeta.__name__)
"""


def test_the_official_client_is_not_imported() -> None:
    """A controller that is killed leads again a third sooner; whoever wants the client later has it."""
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines() == ["[]", "V1ObjectMeta"]
