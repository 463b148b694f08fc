"""Only what pyproject.toml cannot say: the folder backends/ is the package gpipe.backends, found, not listed."""

from setuptools import find_packages, setup

setup(
    packages=find_packages(include=["gpipe*"]) + [f"gpipe.{name}" for name in find_packages(include=["backends*"])],
    package_dir={"gpipe.backends": "backends"},
)
