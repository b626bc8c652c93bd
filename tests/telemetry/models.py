#!/usr/bin/env python3
"""Holds items for Azure Monitor against the models that Microsoft generated for its own exporter.

usage: models.py <BODY    (items as a request holds them: a JSON array, gzipped; `setup.sh` installs what this needs)

Each item is read into the models and written again. Nothing may be lost, unknown to them, or against their rules.
"""

import gzip
import importlib.util
import json
import pathlib
import sys
import sysconfig

from msrest import Deserializer, Serializer
from msrest.serialization import Model

# The data of an item, by the name it gives itself.
DATA = {
    "MetricData": "MetricsData",
    "RemoteDependencyData": "RemoteDependencyData",
    "RequestData": "RequestData",
}


def load_models():
    """The generated models alone: the package around them starts to send something of its own."""
    site = pathlib.Path(sysconfig.get_path("purelib"))
    place = site / "azure/monitor/opentelemetry/exporter/_generated/models"
    spec = importlib.util.spec_from_file_location(
        "models", place / "__init__.py", submodule_search_locations=[str(place)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["models"] = module
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if isinstance(value, type)}


MODELS = load_models()
READER = Deserializer(MODELS)
WRITER = Serializer(MODELS)


def through(model, data):
    """The same data, read and written by a model."""
    value = READER(model, data)
    assert isinstance(value, Model), f"{model} reads {data!r} as {value!r}"
    problems = value.validate()
    assert not problems, f"{model}: {problems}"
    unknown = getattr(value, "additional_properties", None)
    assert not unknown, f"{model} does not know {unknown}"
    return WRITER.body(value, model)


def lines(before, after, place="item"):
    """What a model changed."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            here = f"{place}.{key}"
            if key not in before:
                # Some models write their defaults.
                if after[key] not in (None, {}, []) and (key, after[key]) not in DEFAULTS:
                    yield f"{here}: {after[key]!r} out of nothing"
            elif key not in after:
                yield f"{here}: {before[key]!r} is lost"
            else:
                yield from lines(before[key], after[key], here)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, pair in enumerate(zip(before, after)):
            yield from lines(*pair, f"{place}[{position}]")
    elif place == "item.time":
        if READER.deserialize_iso(before) != READER.deserialize_iso(after):
            yield f"{place}: {before!r} becomes {after!r}"
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield f"{place}: {before!r} becomes {after!r}"


DEFAULTS = [("ver", 1), ("ver", 2), ("sampleRate", 100), ("sampleRate", 100.0)]


def check(item):
    """What is wrong with an item."""
    data = item["data"]
    model = DATA.get(data["baseType"])
    if model is None:
        return [f"`{data['baseType']}` is not one of ours"]
    envelope = dict(item, data=dict(data, baseData={"ver": 2}))
    written = through("TelemetryItem", envelope)
    written["data"]["baseData"] = through(model, data["baseData"])
    return list(lines(item, written))


def main():
    items = json.loads(gzip.decompress(sys.stdin.buffer.read()))
    problems = [f"item {number}: {problem}" for number, item in enumerate(items) for problem in check(item)]
    for problem in problems:
        print(problem)
    assert items, "there is no item"
    assert not problems, f"{len(problems)} problems"
    print(f"{len(items)} items")


if __name__ == "__main__":
    main()
