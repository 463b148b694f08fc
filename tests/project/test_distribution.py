"""Files of an installation, and the cost of importing them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_of_gpipe_is_light():
    heavy = "{'numpy', 'astropy', 'asdf', 'crds', 'stdatamodels', 'cupy', 'matplotlib', 'traitlets'}"
    assert run(f"import sys, gpipe; print({heavy} & set(sys.modules))") == "set()"


def test_pipelines_are_names_of_gpipe():
    assert (
        run("import gpipe; from gpipe.pipeline import DarkPipeline; print(gpipe.DarkPipeline is DarkPipeline)")
        == "True"
    )
    assert "Detector1Pipeline" in run("import gpipe; print(dir(gpipe))")
    assert run("import gpipe; print(hasattr(gpipe, 'Detector2Pipeline'))") == "False"


def test_the_pipeline_imports_without_heavy_packages():
    heavy = "{'astropy', 'crds', 'stdatamodels', 'gwcs', 'cupy', 'matplotlib', 'scipy'}"
    assert run(f"import sys, gpipe.pipeline; print({heavy} & set(sys.modules))") == "set()"


def test_backends_folder_is_the_package_gpipe_backends():
    found = Path(run("import gpipe.backends as b; print(b.__file__)"))
    assert found == ROOT / "gpipe" / "backends" / "__init__.py"
    assert found.resolve() == ROOT / "backends" / "__init__.py"


def test_every_folder_with_modules_is_a_package():
    for folder, _, names in os.walk(ROOT / "gpipe", followlinks=True):
        assert "__init__.py" in names or not any(name.endswith(".py") for name in names), folder
