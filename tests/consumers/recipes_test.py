"""The recipes for vcpkg and Conan, as far as they can be looked at without either."""

import fnmatch
import json
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import types
import unittest
import unittest.mock

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
HEADER = (CHECKOUT / "include/revlora/version.hpp").read_text(encoding="utf-8")
VERSION = ".".join(
    re.search(rf"REVLORA_VERSION_{part} (\d+)", HEADER)[1] for part in ("MAJOR", "MINOR", "PATCH"))


def copy_as_conan(_recipe, pattern, source, destination):
    """Conan's copy: the pattern is of the path below `source`, and its * matches slashes too."""
    top = pathlib.Path(source, pattern.split("*")[0])
    for file in top.rglob("*") if top.is_dir() else [top]:
        path = file.relative_to(source)
        if file.is_file() and fnmatch.fnmatch(path.as_posix(), pattern):
            (destination / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, destination / path)


class Toolchain:
    def __init__(self, recipe):
        self.cache_variables = recipe.cache_variables = {}

    def generate(self):
        pass


def stand_in(name, **members):
    module = types.ModuleType(name)
    vars(module).update(members)
    return {name: module}


CONAN = {
    **stand_in("conan", ConanFile=object),
    **stand_in("conan.tools"),
    **stand_in("conan.tools.build", check_min_cppstd=None),
    **stand_in("conan.tools.cmake", CMake=None, CMakeToolchain=Toolchain, cmake_layout=None),
    **stand_in("conan.tools.files", copy=copy_as_conan),
}


def conan_recipe():
    path = CHECKOUT / "packaging/conan/conanfile.py"
    with unittest.mock.patch.dict(sys.modules, CONAN):
        recipe = runpy.run_path(str(path))["Revlora"]()
    recipe.recipe_folder = str(path.parent)
    return recipe


class Conan(unittest.TestCase):
    def test_version_is_the_header_s(self):
        recipe = conan_recipe()
        recipe.set_version()
        self.assertEqual(recipe.version, VERSION)

    def test_exported_sources_can_be_configured(self):
        for header_only in (True, False):
            with self.subTest(header_only=header_only), tempfile.TemporaryDirectory() as folder:
                recipe = conan_recipe()
                recipe.export_sources_folder = pathlib.Path(folder, "sources")
                recipe.options = types.SimpleNamespace(header_only=header_only)
                recipe.export_sources()
                recipe.generate()
                self.assertEqual(recipe.cache_variables["REVLORA_BUILD_DISPATCH"], not header_only)
                variables = [f"-D{name}={value}" for name, value in recipe.cache_variables.items()]
                configure = subprocess.run(
                    ["cmake", "-S", recipe.export_sources_folder, "-B", f"{folder}/build",
                     *CMAKE_OPTIONS, *variables], capture_output=True, text=True, check=False)
                self.assertEqual(configure.returncode, 0, configure.stderr)
                self.assertNotIn("REVLORA_", configure.stderr)  # an option that is none


class Vcpkg(unittest.TestCase):
    def test_manifest_has_the_header_s_version(self):
        manifest = json.loads((CHECKOUT / "packaging/vcpkg/vcpkg.json").read_text(encoding="utf-8"))
        self.assertEqual(manifest["name"], "revlora")
        self.assertEqual(manifest["version"], VERSION)


if __name__ == "__main__":
    CMAKE_OPTIONS = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
