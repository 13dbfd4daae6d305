# The packages that hold Rival's libraries, for messages. Installed beside rivalConfig.cmake, which has such messages too.
set(rival_install_Eigen3 "Debian and Ubuntu: libeigen3-dev; Fedora: eigen3-devel; Homebrew: eigen")
set(rival_install_ZLIB "Debian and Ubuntu: zlib1g-dev; Fedora: zlib-devel; Homebrew: zlib")
set(rival_install_Stb "Debian and Ubuntu: libstb-dev; Fedora: stb-devel")
set(rival_install_GIF "Debian and Ubuntu: libgif-dev; Fedora: giflib-devel; Homebrew: giflib")
set(rival_install_nlohmann_json "Debian and Ubuntu: nlohmann-json3-dev; Fedora: json-devel; Homebrew: nlohmann-json")
set(rival_install_Protozero "Debian and Ubuntu: libprotozero-dev; Fedora: protozero-devel; Homebrew: protozero")
set(rival_install_Catch2 "Debian and Ubuntu: catch2; Fedora: catch-devel; Homebrew: catch2")
set(rival_install_CLI11 "Debian and Ubuntu: libcli11-dev; Fedora: cli11-devel; Homebrew: cli11")
