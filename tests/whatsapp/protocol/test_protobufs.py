"""The generated code is that of the .proto files beside it."""

import subprocess
import sys
from pathlib import Path

import whatsapp

ROOT = Path(whatsapp.__file__).parent.parent
FOLDER = Path("whatsapp/protocol/protobufs")


def test_it_is_generated_from_what_stands_beside_it(tmp_path):
    protos = [str(path.relative_to(ROOT)) for path in sorted((ROOT / FOLDER).glob("*.proto"))]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([*command, *protos], cwd=ROOT, check=True)
    made = sorted((tmp_path / FOLDER).iterdir())
    assert len(made) == 2 * len(protos)
    for path in made:
        assert path.read_text() == (ROOT / FOLDER / path.name).read_text(), path.name
