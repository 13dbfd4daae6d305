// Nothing: CMake precompiles headers only for a target that compiles something.
