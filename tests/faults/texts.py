"""Texts that are no parameters, associations or logging configurations, and odd names."""

import json

from faults.damage import aliases

_STEPS = "class: jwst.pipeline.Detector1Pipeline\nname: Detector1Pipeline\nsteps:\n- name: jump\n  parameters: {%s}\n"
_DEEP = 20_000

PARAMETERS: dict[str, str | bytes] = {
    "alias bomb": f"{aliases(9, 9)}\nname: *a9\n",
    "alias bomb as a value": f"{aliases(9, 9)}\n" + _STEPS % "rejection_threshold: *a9",
    "many aliases": f"{aliases(24, 2)}\nparameters: *a24\n",
    "wide": "parameters: [" + "[]," * 400_000 + "]\n",
    "deep list": "parameters: " + "[" * _DEEP + "]" * _DEEP,
    "deep mapping": "parameters: " + "{a: " * 3000 + "}" * 3000,
    "cyclic": "parameters: &a {skip: *a}\n",
    "cyclic list": _STEPS % "rejection_threshold: &a [*a]",
    "impossible date": _STEPS % "rejection_threshold: 2020-99-99",
    "date": _STEPS % "rejection_threshold: 2020-01-01",
    "huge number": _STEPS % f"rejection_threshold: {'9' * 6000}",
    "infinite number": _STEPS % "rejection_threshold: .inf",
    "no number": _STEPS % "rejection_threshold: .nan",
    "binary": _STEPS % "rejection_threshold: !!binary aGVsbG8=",
    "broken binary": _STEPS % "rejection_threshold: !!binary a",
    "set": _STEPS % "rejection_threshold: !!set {a, b}",
    "tag of Python": _STEPS % "rejection_threshold: !!python/object/apply:os.system [touch harm]",
    "unhashable key": _STEPS % "? [a] : b",
    "number as name": "name: 5\nsteps:\n- name: 7\n  parameters: {1: 2}\n",
    "steps as text": "steps: jump\n",
    "steps as number": "steps: 5\n",
    "parameters as list": "parameters: [skip]\n",
    "only text": "hello\n",
    "control letters": b"name: \x01\x02\n",
    "no UTF-8": b"name: \xff\xfe\xfa\n",
    "NUL": b"name: a\x00b\n",
    "cut ASDF": b"#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n%YAML 1.1\n--- !core/asdf-1.1.0\nparameters: {skip: ",
    "INI": "skip = maybe\n[steps]\n[[jump]]\nrejection_threshold = 2020\nrejection_threshold = 4\n",
    "merge key": "a: &a {b: 1}\nparameters: {<<: [*a, 5]}\n",
}

VALID = ("infinite number",)
"""Parameters that may be used."""

_GOOD = {"asn_type": "None", "asn_id": "a", "asn_pool": "none"}
ASSOCIATIONS: dict[str, str | bytes] = {
    "deep": "[" * 100_000,
    "deep object": '{"a":' * 100_000,
    "no JSON": "{",
    "list": "[1, 2]",
    "number": "5",
    "huge number": f'{{"products": {"9" * 6000}}}',
    "NaN": '{"products": NaN}',
    "no UTF-8": b'{"products": "\xff"}',
    "no products": json.dumps(_GOOD | {"products": []}),
    "product as text": json.dumps(_GOOD | {"products": ["a"]}),
    "members as number": json.dumps(_GOOD | {"products": [{"name": "a", "members": 5}]}),
    "member without a file": json.dumps(_GOOD | {"products": [{"name": "a", "members": [{"exptype": "science"}]}]}),
    "NUL in a name": json.dumps(
        _GOOD | {"products": [{"name": "a", "members": [{"expname": "a\0b.fits", "exptype": "science"}]}]}
    ),
    "number as a file": json.dumps(
        _GOOD | {"products": [{"name": "a", "members": [{"expname": 5, "exptype": "science"}]}]}
    ),
}

LOGGING: dict[str, str | bytes] = {
    "format": "[*]\nformat = %(nothing)s %d\n",
    "half a format": "[*]\nformat = %(\n",
    "level": "[*]\nlevel = LOUD\n",
    "huge level": f"[*]\nlevel = {'9' * 6000}\n",
    "no section": "level = INFO\n",
    "no UTF-8": b"[*]\nlevel = \xff\n",
    "handler": "[*]\nhandler = smtp:somebody\n",
    "file in no folder": "[*]\nhandler = file:no/such/folder/log.txt\n",
    "folder as a file": "[*]\nhandler = file:.\n",
    "NUL": b"[*]\nhandler = file:a\x00b\n",
}

NAMES = {
    "not UTF-8": "forged_\udcff_uncal.fits",
    "a new line": "forged_\n_uncal.fits",
    "spaces": " forged _uncal.fits",
    "no ASCII": "forged_\u00e9\u4e2d_uncal.fits",
    "percent and braces": "forged_%s{0}$HOME_uncal.fits",
    "a hyphen": "-forged_uncal.fits",
}

NO_NAMES = {
    "NUL": "forged\0_uncal.fits",
    "long": "forged" * 60 + "_uncal.fits",
    "long path": "forged/" * 1000 + "forged_uncal.fits",
    "empty": "",
    "only NUL": "\0",
}
