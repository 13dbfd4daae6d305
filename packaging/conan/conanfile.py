"""Recipe of Rival for Conan 2, for the sources that it lies among: conan create packaging/conan"""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"

# Component of Rival's: the package that it needs, and what of it. ConanCenter's stb has its headers in another folder
# than Rival includes them from, so there is no rival::stb.
COMPONENTS = {
    "zlib": ("zlib/[>=1.2.11 <2]", "zlib::zlib"),
    "gif": ("giflib/[>=5.2 <6]", "giflib::giflib"),
    "json": ("nlohmann_json/[>=3.11 <4]", "nlohmann_json::nlohmann_json"),
    "zip": ("libzip/[>=1.9 <2]", "libzip::libzip"),
    "protozero": ("protozero/[>=1.7 <2]", "protozero::protozero"),
    "webp": ("libwebp/[>=1.3 <2]", "libwebp::webp"),
    "exif": ("libexif/[>=0.6.23 <1]", "libexif::libexif"),
    "sndfile": ("libsndfile/[>=1.2 <2]", "libsndfile::libsndfile"),
    "samplerate": ("libsamplerate/[>=0.2 <1]", "libsamplerate::libsamplerate"),
}
SOURCES = ("LICENSE", "include/rival/*.h", "include/rival/*.hpp", "examples/data/mnist/*")


class RivalConan(ConanFile):
    name = "rival"
    description = "Generative adversarial networks on CPUs, header-only"
    license = "MIT"
    topics = ("gan", "machine-learning", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"openmp": [True, False], **{f"with_{component}": [True, False] for component in COMPONENTS}}
    default_options = {"openmp": True, **{f"with_{component}": False for component in COMPONENTS}}
    no_copy_source = True

    @property
    def _project(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._project, "include", "rival", "core", "version.hpp"))
        self.version = ".".join(re.search(rf"#define RIVAL_VERSION_{part} (\d+)", header)[1]
                                for part in ("MAJOR", "MINOR", "PATCH"))

    def export_sources(self):
        for pattern in SOURCES:
            copy(self, pattern, src=self._project, dst=self.export_sources_folder)

    def layout(self):
        basic_layout(self)

    def requirements(self):
        self.requires("eigen/[>=3.4 <6]", transitive_headers=True)
        for component in self._wanted():
            self.requires(COMPONENTS[component][0], transitive_headers=True, transitive_libs=True)

    def validate(self):
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 20)

    def package(self):
        for pattern, source, target in (("LICENSE", ".", "licenses"), ("*", "include", "include"),
                                        ("*", "examples/data/mnist", "res/mnist")):
            copy(self, pattern, src=os.path.join(self.source_folder, source),
                 dst=os.path.join(self.package_folder, target))

    def package_id(self):
        self.info.clear()  # the same headers, whatever is asked for

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "rival")
        core = self._component("core", "rival::rival", "rival", ["eigen::eigen"])
        core.resdirs = ["res"]
        if self.options.openmp and str(self.settings.compiler) in ("gcc", "clang"):
            core.cxxflags = core.exelinkflags = core.sharedlinkflags = ["-fopenmp"]
        for component in self._wanted():
            self._component(component, f"rival::{component}", f"rival-{component}", ["core", COMPONENTS[component][1]])

    def _wanted(self):
        return [component for component in COMPONENTS if self.options.get_safe(f"with_{component}")]

    def _component(self, name, target, module, requires):
        component = self.cpp_info.components[name]
        component.set_property("cmake_target_name", target)
        component.set_property("pkg_config_name", module)
        component.bindirs, component.libdirs = [], []
        component.requires = requires
        return component
