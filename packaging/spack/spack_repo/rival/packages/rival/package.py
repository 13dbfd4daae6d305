from spack_repo.builtin.build_systems.cmake import CMakePackage

from spack.package import *

# Component of Rival's: Spack's package, and what CMake calls it. The other components' libraries are not asked for.
COMPONENTS = {
    "zlib": ("zlib-api", "ZLIB"),
    "gif": ("giflib", "GIF"),
    "json": ("nlohmann-json@3.11:", "nlohmann_json"),
    "webp": ("libwebp", "LibWebP"),
    "sndfile": ("libsndfile", "SndFile"),
    "samplerate": ("libsamplerate", "SampleRate"),
}
NEVER = ("Stb", "LibZip", "Protozero", "LibExif")


class Rival(CMakePackage):
    """Generative adversarial networks on CPUs, header-only."""

    license("MIT")

    # A release's address and checksum belong here; from a clone, `spack develop` gives the sources.
    version("0.1.0")

    for _component, (_package, _) in COMPONENTS.items():
        variant(_component, default=False, description=f"rival::{_component}")
        depends_on(_package, when=f"+{_component}")

    depends_on("cxx", type="build")
    depends_on("cmake@3.22:", type="build")
    depends_on("eigen@3.4:")

    def cmake_args(self):
        wanted = [component for component in COMPONENTS if self.spec.satisfies(f"+{component}")]
        unwanted = [package for component, (_, package) in COMPONENTS.items() if component not in wanted]
        return [
            self.define("RIVAL_TESTS", False),
            self.define("RIVAL_EXAMPLES", False),
            self.define("RIVAL_BENCHMARKS", False),
            self.define("RIVAL_FETCH", False),
            self.define("RIVAL_COMPONENTS", wanted),
            *[self.define(f"CMAKE_DISABLE_FIND_PACKAGE_{package}", True) for package in (*unwanted, *NEVER)],
        ]
