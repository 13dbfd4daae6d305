#!/usr/bin/env python3
"""What the recipes in packaging/ say, held to what the project says. None of their managers is here: stand-ins for the
modules of Conan's and Spack's do what the recipes need of them.
"""
import collections
import fnmatch
import importlib.util
import json
import pathlib
import re
import shutil
import sys
import tempfile
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = ROOT / "packaging"
PARTS = ("MAJOR", "MINOR", "PATCH")
HEADER = (ROOT / "include/rival/core/version.hpp").read_text(encoding="utf-8")
VERSION = ".".join(re.search(rf"#define RIVAL_VERSION_{part} (\d+)", HEADER)[1] for part in PARTS)
TARGETS = (ROOT / "cmake/RivalTargets.cmake").read_text(encoding="utf-8")
COMPONENTS = dict(re.findall(r"^rival_add_component\((\w+) (\w+)", TARGETS, re.MULTILINE))


def module(name, **content):
    """A module to be imported by `name`, with the packages around it."""
    for part in (name[:i] for i in range(len(name)) if name[i] == "."):
        sys.modules.setdefault(part, types.ModuleType(part))
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(content)


def load_recipe(path):
    spec = importlib.util.spec_from_file_location("recipe", path)
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    return recipe


def conan_copy(_, pattern, src, dst):
    for file in pathlib.Path(src).rglob("*"):
        name = file.relative_to(src)
        if file.is_file() and fnmatch.fnmatch(str(name), pattern):
            (pathlib.Path(dst) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, pathlib.Path(dst) / name)


def headers(folder):
    return {path.relative_to(folder) for path in (folder / "include").rglob("*") if path.suffix in (".h", ".hpp")}


class CppInfo(types.SimpleNamespace):
    """Conan's cpp_info, or one of its components."""

    def __init__(self):
        super().__init__(properties={}, components=collections.defaultdict(CppInfo))

    def set_property(self, name, value):
        self.properties[name] = value


class Recipes(unittest.TestCase):
    def test_vcpkg(self):
        port = json.loads((RECIPES / "vcpkg/rival/vcpkg.json").read_text(encoding="utf-8"))
        self.assertEqual(port["version"], VERSION)
        self.assertEqual(set(port["features"]), set(COMPONENTS) - {"stb"})
        portfile = (RECIPES / "vcpkg/rival/portfile.cmake").read_text(encoding="utf-8")
        pairs = dict(pair.split(":") for pair in re.search(r"pair IN ITEMS ([^)]+)\)", portfile)[1].split())
        self.assertEqual(pairs, {name: package for name, package in COMPONENTS.items() if name != "stb"})

    def test_conan(self):
        module("conan", ConanFile=object)
        module("conan.tools.build", check_min_cppstd=None)
        module("conan.tools.files", copy=conan_copy, load=lambda _, path: pathlib.Path(path).read_text("utf-8"))
        module("conan.tools.layout", basic_layout=None)
        recipe = load_recipe(RECIPES / "conan/conanfile.py")
        self.assertEqual(set(recipe.COMPONENTS), set(COMPONENTS) - {"stb"})

        conan = recipe.RivalConan()
        conan.recipe_folder = str(RECIPES / "conan")
        conan.set_version()
        self.assertEqual(conan.version, VERSION)
        self.assertEqual(set(conan.options), set(conan.default_options))

        with tempfile.TemporaryDirectory() as folder:
            conan.export_sources_folder = conan.source_folder = folder + "/sources"
            conan.package_folder = folder + "/package"
            conan.export_sources()
            conan.package()
            package = pathlib.Path(conan.package_folder)
            self.assertTrue((package / "licenses/LICENSE").is_file())
            self.assertEqual(headers(package), headers(ROOT))
            self.assertEqual(len(list((package / "res/mnist").glob("*-ubyte.gz"))), 4)

        asked = []
        conan.requires = lambda reference, **_: asked.append(reference)
        conan.settings = types.SimpleNamespace(compiler="gcc")
        conan.options = types.SimpleNamespace(openmp=True, get_safe=lambda name: name == "with_zlib")
        conan.cpp_info = CppInfo()
        conan.requirements()
        conan.package_info()
        self.assertEqual([reference.split("/")[0] for reference in asked], ["eigen", "zlib"])
        self.assertEqual(set(conan.cpp_info.components), {"core", "zlib"})
        core, zlib = conan.cpp_info.components["core"], conan.cpp_info.components["zlib"]
        self.assertEqual(core.properties, {"cmake_target_name": "rival::rival", "pkg_config_name": "rival"})
        self.assertEqual(core.cxxflags, ["-fopenmp"])
        self.assertEqual(zlib.properties, {"cmake_target_name": "rival::zlib", "pkg_config_name": "rival-zlib"})
        self.assertEqual(zlib.requires, ["core", "zlib::zlib"])

    def test_spack(self):
        versions, variants, needed = [], [], {}
        module("spack_repo.builtin.build_systems.cmake", CMakePackage=object)
        module("spack.package", version=versions.append, license=lambda _: None,
               variant=lambda name, **_: variants.append(name),
               depends_on=lambda package, when=None, **_: needed.update({package.split("@")[0]: when}))
        recipe = load_recipe(RECIPES / "spack/spack_repo/rival/packages/rival/package.py")
        self.assertEqual(versions, [VERSION])
        self.assertEqual(variants, list(recipe.COMPONENTS))
        self.assertEqual(needed["eigen"], None)
        self.assertEqual(needed["zlib-api"], "+zlib")
        packages = {name: package for name, (_, package) in recipe.COMPONENTS.items()}
        self.assertLessEqual(packages.items(), COMPONENTS.items())
        self.assertEqual(set(packages.values()) | set(recipe.NEVER), set(COMPONENTS.values()))

        spack = recipe.Rival()
        spack.spec = types.SimpleNamespace(satisfies=lambda wanted: wanted == "+zlib")
        spack.define = lambda name, value: f"{name}={value}"
        arguments = spack.cmake_args()
        self.assertIn("RIVAL_COMPONENTS=['zlib']", arguments)
        self.assertIn("CMAKE_DISABLE_FIND_PACKAGE_GIF=True", arguments)
        self.assertNotIn("CMAKE_DISABLE_FIND_PACKAGE_ZLIB=True", arguments)

    def test_citation(self):
        citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
        self.assertRegex(citation, rf"(?m)^version: {re.escape(VERSION)}$")


if __name__ == "__main__":
    unittest.main()
