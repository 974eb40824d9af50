"""Takes the sources from the checkout that it lies in: conan create packaging/conan"""

import pathlib
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class Revlora(ConanFile):
    name = "revlora"
    description = "Merges LoRA adapters into model weights, and takes them out again bit for bit"
    license = "MIT"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"header_only": [True, False], "shared": [True, False], "fPIC": [True, False]}
    default_options = {"header_only": True, "shared": False, "fPIC": True}
    implements = ["auto_shared_fpic", "auto_header_only"]
    generators = "CMakeDeps"

    def _checkout(self):
        return pathlib.Path(self.recipe_folder).parent.parent

    def set_version(self):
        header = (self._checkout() / "include/revlora/version.hpp").read_text(encoding="utf-8")
        self.version = ".".join(re.findall(r"REVLORA_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header))

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "dispatch/*", "include/*",
                        "packaging/debian/*"):
            copy(self, pattern, self._checkout(), self.export_sources_folder)

    def requirements(self):
        self.requires("xsimd/[>=8.1]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["REVLORA_BUILD_DISPATCH"] = not self.options.header_only
        for part in ("C", "TESTS", "BENCH", "TOOLS", "EXAMPLES"):
            toolchain.cache_variables[f"REVLORA_BUILD_{part}"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, pathlib.Path(self.package_folder) / "licenses")
        CMake(self).install()

    def package_info(self):
        headers = self.cpp_info.components["headers"]
        headers.set_property("cmake_target_name", "revlora::revlora")
        headers.set_property("pkg_config_name", "revlora")
        headers.requires = ["xsimd::xsimd"]
        headers.libdirs = []
        if not self.options.header_only:
            dispatch = self.cpp_info.components["dispatch"]
            dispatch.set_property("cmake_target_name", "revlora::dispatch")
            dispatch.set_property("pkg_config_name", "revlora-dispatch")
            dispatch.requires = ["headers"]
            dispatch.defines = ["REVLORA_DISPATCH"]
            dispatch.libs = ["revlora_dispatch"]
