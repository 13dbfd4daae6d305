#include "fuzz.hpp"

#include <algorithm>
#include <string>
#include <variant>

#include "rival/io/npy.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return rival_test::may_throw_error([&] {
    const rival::NpyArray array = rival::parse_npy(rival_test::text_of(data, size));
    // What is written of it reads the same.
    std::visit(
        [&]<class T>(const rival::Tensor<T>& tensor) {
          const std::size_t bytes = static_cast<std::size_t>(tensor.size()) * sizeof(T);
          std::string file = rival::internal::npy_start<T>(tensor.shape());
          if (bytes > 0) file.append(reinterpret_cast<const char*>(tensor.data()), bytes);
          const auto again = std::get<rival::Tensor<T>>(rival::parse_npy(file));
          rival_test::expect(again.shape() == tensor.shape() &&
                             (bytes == 0 || std::memcmp(again.data(), tensor.data(), bytes) == 0));
        },
        array);
  });
}
