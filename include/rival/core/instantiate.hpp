// What a program may link instead of compiling it anew in each of its files.
//
// Headers end with a list of the instantiations that programs mostly ask for,
//
//     RIVAL_INSTANTIATE_CLASS(Dense);
//     RIVAL_INSTANTIATE_FUNCTION(conv_output);
//
// each for float and for double. Header-only, these lists say nothing. With RIVAL_COMPILED_FLOAT they declare those for
// float `extern template`, with RIVAL_COMPILED_DOUBLE those for double, and the program links files that define them.
// Such a file includes, like `<cassert>`, this one once more, with RIVAL_DEFINE_FLOAT or RIVAL_DEFINE_DOUBLE, in front
// of the headers whose lists it is to define. Files of one program or library must be compiled for the same processor.
//
// No `#pragma once`, for that reason.

#undef RIVAL_INSTANTIATE_CLASS
#undef RIVAL_INSTANTIATE_FUNCTION
#undef RIVAL_INSTANTIATE_FLOAT
#undef RIVAL_INSTANTIATE_DOUBLE

/// One instantiation, written out: of an overloaded function, or of something with other arguments than the scalar.
#if defined(RIVAL_DEFINE_FLOAT)
#define RIVAL_INSTANTIATE_FLOAT(...) template __VA_ARGS__
#elif defined(RIVAL_COMPILED_FLOAT)
#define RIVAL_INSTANTIATE_FLOAT(...) extern template __VA_ARGS__
#else
#define RIVAL_INSTANTIATE_FLOAT(...) static_assert(true)
#endif
/// The same of double.
#if defined(RIVAL_DEFINE_DOUBLE)
#define RIVAL_INSTANTIATE_DOUBLE(...) template __VA_ARGS__
#elif defined(RIVAL_COMPILED_DOUBLE)
#define RIVAL_INSTANTIATE_DOUBLE(...) extern template __VA_ARGS__
#else
#define RIVAL_INSTANTIATE_DOUBLE(...) static_assert(true)
#endif

/// `name` is a class template whose one argument is the scalar.
#define RIVAL_INSTANTIATE_CLASS(name)         \
  RIVAL_INSTANTIATE_FLOAT(class name<float>); \
  RIVAL_INSTANTIATE_DOUBLE(class name<double>)
/// `name` is a function template that is not overloaded.
#define RIVAL_INSTANTIATE_FUNCTION(name)                      \
  RIVAL_INSTANTIATE_FLOAT(decltype(name<float>) name<float>); \
  RIVAL_INSTANTIATE_DOUBLE(decltype(name<double>) name<double>)
