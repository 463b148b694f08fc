"""A ``jwst`` package that is not installed, or one that answers what a test tells it."""

import importlib.metadata
import logging
import sys
from types import ModuleType, SimpleNamespace

import asdf

SOSS_SUBARRAYS = ["SUBSTRIP256", "SUBSTRIP96"]


class MSAFileError(Exception):
    pass


class NoDataOnDetectorError(Exception):
    pass


class CrdsError(Exception):
    pass


def install(monkeypatch, version):
    """Make it look as if this version of jwst were installed; None for none."""
    real = importlib.metadata.version

    def found(name):
        if name != "jwst":
            return real(name)
        if version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(importlib.metadata, "version", found)


class Peer:
    """Results of a stub of jwst, and the calls that it got.

    Attributes
    ----------
    wcs : what assign_wcs makes, or an exception that it raises.
    opened : bool, pixels that msaflagopen flags.
    scene : what make_median_image makes of the two models that it gets, or an exception.
    asked : the steps that ran, with their output folders.
    """

    def __init__(self, monkeypatch, *, wcs=None, opened=False, scene=None):
        self.wcs, self.opened, self.scene, self.asked = wcs, opened, scene, []
        install(monkeypatch, "3.0.0")
        _ = asdf.get_config().resource_manager, asdf.get_config().extensions  # plug-ins of the real package, if any
        make_median_image = self._median_image
        modules = {
            "jwst": {},
            "jwst.assign_wcs": {"AssignWcsStep": lambda: _Step(self, "assign_wcs", self._assign)},
            "jwst.assign_wcs.util": {"MSAFileError": MSAFileError, "NoDataOnDetectorError": NoDataOnDetectorError},
            "jwst.msaflagopen": {"MSAFlagOpenStep": lambda: _Step(self, "msaflagopen", self._flag)},
            "jwst.clean_flicker_noise": {},
            "jwst.clean_flicker_noise.tso_median_image": {"make_median_image": make_median_image},
            "jwst.lib": {},
            "jwst.lib.exposure_types": {"NIS_SOSS_SUPPORTED_SUBARRAYS": SOSS_SUBARRAYS},
            "stpipe": {},
            "stpipe.crds_client": {"CrdsError": CrdsError},
        }
        for name, contents in modules.items():
            module = ModuleType(name)
            vars(module).update(contents)
            monkeypatch.setitem(sys.modules, name, module)

    def _assign(self, model):
        log = logging.getLogger("jwst.assign_wcs")
        log.info("of no interest")
        log.warning("worth knowing")
        if isinstance(self.wcs, Exception):
            raise self.wcs
        out = model.copy()
        if self.wcs is not None:
            out.meta.wcs = self.wcs
        return out

    def _flag(self, model):
        out = model.copy()
        out.dq = out.dq | self.opened * (1 << 29)
        out.meta.cal_step.msa_flagging = "COMPLETE"
        return out

    def _median_image(self, model, rates, soss_refmodel=None):
        self.asked.append(SimpleNamespace(name="make_median_image", model=model, rates=rates, pastasoss=soss_refmodel))
        logging.captureWarnings(False)  # as Step.call leaves it
        if isinstance(self.scene, Exception):
            raise self.scene
        return self.scene(model, rates)

    @property
    def names(self):
        return [asked.name for asked in self.asked]


class _Step:
    def __init__(self, peer, name, process):
        self.peer, self.name, self.process, self.input_dir = peer, name, process, None

    def run(self, model):
        self.peer.asked.append(SimpleNamespace(name=self.name, folder=self.input_dir))
        return self.process(model)
