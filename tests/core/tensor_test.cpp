#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include "catch.hpp"

#include "rival/core/tensor.hpp"

using Catch::Matchers::ContainsSubstring;
using rival::Index;
using rival::Shape;
using rival::Tensor;

TEMPLATE_TEST_CASE("tensor: memory starts on a cache line", "", float, double) {
  for (const Index size : {1, 3, 16, 17, 1000}) {
    const Tensor<TestType> tensor({size});
    CHECK(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64 == 0);
  }
}

TEST_CASE("tensor: what it is made with") {
  const Tensor<float> none, zeros({2, 3}), sevens({2, 3}, 7.0f), given({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(none.empty());
  CHECK(none.shape() == Shape{0});
  CHECK(none.rows() == 0);
  CHECK(none.cols() == 0);
  for (Index i = 0; i < 6; ++i) {
    CHECK(zeros[i] == 0.0f);
    CHECK(sevens[i] == 7.0f);
    CHECK(given[i] == static_cast<float>(i + 1));
  }
  CHECK_THROWS_WITH((Tensor<float>({2, 3}, {1, 2, 3, 4, 5})), ContainsSubstring("tensor: 2x3 holds 6 values, got 5"));
}

TEST_CASE("tensor: elements are row-major, by one index an axis") {
  Tensor<double> tensor({2, 3, 4});
  for (Index i = 0; i < 24; ++i) tensor[i] = static_cast<double>(i);
  CHECK(tensor(1, 2, 3) == 23);
  CHECK(tensor(1, 0, 2) == 14);
  CHECK(tensor(std::size_t{0}, 2, Index{1}) == 9);
  tensor(0, 1, 0) = -1;
  CHECK(tensor[4] == -1);
  CHECK(std::as_const(tensor)(0, 1, 0) == -1);
}

TEST_CASE("tensor: as a matrix the last axis is the column") {
  Tensor<float> tensor({2, 3, 4});
  for (Index i = 0; i < 24; ++i) tensor[i] = static_cast<float>(i);
  CHECK(tensor.rows() == 6);
  CHECK(tensor.cols() == 4);
  CHECK(tensor.matrix()(4, 1) == tensor(1, 1, 1));
  tensor.matrix().row(5).setConstant(9);
  CHECK(tensor(1, 2, 0) == 9);
  tensor.array() += 1.0f;
  CHECK(tensor[1] == 2);
  CHECK(std::as_const(tensor).array().size() == 24);
  CHECK(std::as_const(tensor).matrix().rows() == 6);
  CHECK(Tensor<float>({5, 0}).rows() == 0);
  CHECK(Tensor<float>(Shape{}).matrix().size() == 1);
}

TEST_CASE("tensor: memory only grows") {
  Tensor<float> tensor({10, 10});
  const float* memory = tensor.data();
  tensor.resize({3, 3});
  CHECK(tensor.data() == memory);
  tensor.resize({4, 25});
  CHECK(tensor.data() == memory);
  tensor = Tensor<float>({2, 2}, {1, 2, 3, 4});  // a move: takes the other's memory
  CHECK(tensor.data() != memory);

  Tensor<float> target({100});
  const Tensor<float> small({2, 2}, {1, 2, 3, 4});
  memory = target.data();
  target = small;
  CHECK(target.data() == memory);
  CHECK(target.shape() == small.shape());
  CHECK(target[3] == 4);
}

TEST_CASE("tensor: values outlive a resize to as many elements, and a reshape") {
  Tensor<float> tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  tensor.resize({3, 2});
  CHECK(tensor(2, 1) == 6);
  tensor.reshape({6});
  CHECK(tensor[3] == 4);
  CHECK_THROWS_WITH(tensor.reshape({7}), ContainsSubstring("cannot reshape 6 to 7"));
  CHECK(tensor.shape() == Shape{6});
}

TEST_CASE("tensor: a copy is a copy") {
  Tensor<float> first({3}, {1, 2, 3});
  Tensor<float> second = first;
  second[0] = 9;
  CHECK(first[0] == 1);
  const auto& same = first;
  first = same;
  CHECK(first[2] == 3);
}

TEST_CASE("tensor: moves and swaps hand over memory") {
  static_assert(std::is_nothrow_move_constructible_v<Tensor<float>>);
  static_assert(std::is_nothrow_move_assignable_v<Tensor<float>>);
  Tensor<float> first({3}, {1, 2, 3});
  const float* memory = first.data();
  Tensor<float> second = std::move(first);
  CHECK(second.data() == memory);
  CHECK(second[2] == 3);
  Tensor<float> third({2}, {8, 9});
  third.swap(second);
  CHECK(third.data() == memory);
  CHECK(third.shape() == Shape{3});
  CHECK(second.shape() == Shape{2});
  CHECK(second[1] == 9);
}

TEST_CASE("tensor: an alias looks at another's memory, its copy owns its own") {
  Tensor<float> owner({2, 3}, {1, 2, 3, 4, 5, 6}), view;
  view.alias(owner, {6});
  CHECK(view.data() == owner.data());
  CHECK(view.shape() == Shape{6});
  owner(1, 2) = 7;
  CHECK(view[5] == 7);

  Tensor<float> copy = view;
  CHECK(copy.data() != owner.data());
  owner[0] = -1;
  CHECK(copy[0] == 1);
  CHECK(copy[5] == 7);

  view.resize({4});  // its own memory from here on
  CHECK(view.data() != owner.data());
  view.fill(0);
  CHECK(owner[0] == -1);

  owner.alias(copy, {3, 2});  // a tensor with memory may look elsewhere and come back to it
  CHECK(owner(2, 1) == 7);
  owner = copy;
  CHECK(owner.data() != copy.data());
  CHECK(owner[5] == 7);
}

TEST_CASE("tensor: refuses more bytes than an index can count") {
  Tensor<float> tensor({2}, {1, 2});
  const Index elements = std::numeric_limits<Index>::max() / 2;  // twice that fits, four times does not
  CHECK_THROWS_WITH(tensor.resize({elements}),
                    ContainsSubstring("tensor: " + std::to_string(elements) + " needs more bytes"));
  CHECK(tensor.shape() == Shape{2});
  CHECK(tensor[1] == 2);
}
