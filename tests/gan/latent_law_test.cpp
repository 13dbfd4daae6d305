#include "rival/gan/latent_law.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include "catch.hpp"

#include "rival/gan/recipes/conditional.hpp"

using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using namespace rival;

TEST_CASE("latent law: standard normal by itself, the first numbers uniform if asked for") {
  Random a(3), b(3);
  Tensor<> drawn({40, 7}), normal({40, 7});
  LatentLaw<>()(drawn, a);
  b.fill_normal(normal);
  CHECK(std::equal(drawn.data(), drawn.data() + drawn.size(), normal.data()));
  CHECK(a.position() == b.position());

  // What InfoGAN's recipe has always drawn: all normal, and the codes in the place of the first ones.
  Random c(3);
  Tensor<> codes({40, 2});
  LatentLaw<>(2)(drawn, c);
  b.fill_uniform(codes, -1.0F, 1.0F);
  for (Index n = 0; n < 40; ++n)
    for (Index i = 0; i < 7; ++i) CHECK(drawn(n, i) == (i < 2 ? codes(n, i) : normal(n, i)));
  CHECK(c.position() == b.position());
  const auto infogan = recipes::infogan<float>({});
  const auto* law = infogan.options.draw_latent.target<LatentLaw<>>();
  REQUIRE(law != nullptr);
  CHECK(law->uniform() == 2);

  CHECK_THROWS_WITH(LatentLaw<>(-1), ContainsSubstring("expected `uniform` >= 0, got -1"));
  CHECK_THROWS_WITH(LatentLaw<>(8)(drawn, a), ContainsSubstring("expected vectors of at least 8 numbers, got 40x7"));
}

TEST_CASE("latent law: truncation draws again what is beyond the threshold and leaves the rest") {
  const LatentLaw<double> law(1);
  Random random(5);
  Tensor<double> before({2000, 9});
  LatentLaw<double>(1)(before, random);
  Tensor<double> after = before;
  law.truncate(after, 0.7, random);
  double squares = 0;
  for (Index n = 0; n < 2000; ++n) {
    CHECK(after(n, 0) == before(n, 0));  // uniform: up to 1, and not touched
    for (Index i = 1; i < 9; ++i) {
      if (std::abs(before(n, i)) <= 0.7) CHECK(after(n, i) == before(n, i));
      REQUIRE(std::abs(after(n, i)) <= 0.7);
      squares += after(n, i) * after(n, i);
    }
  }
  // The variance of a normal number cut at +-c is 1 - 2 c phi(c) / (2 Phi(c) - 1), 0.1529 for 0.7. Its estimate from
  // 16,000 draws has a standard error of 0.1529 * sqrt((k - 1) / 16000) < 0.0011, the kurtosis k being below 1.8.
  CHECK(squares / 16000 == Approx(0.1529).margin(0.0044));

  Tensor<double> same = before;
  const auto position = random.position();
  law.truncate(same, 100, random);
  CHECK(std::equal(same.data(), same.data() + same.size(), before.data()));
  CHECK(random.position() == position);

  for (const double bad : {0.0, -1.0, 0.009, std::nan("")})
    CHECK_THROWS_WITH(law.truncate(same, bad, random),
                      ContainsSubstring("expected a threshold of at least 0.01, got "));
  CHECK_THROWS_WITH(LatentLaw<double>(9).truncate(same, 1, random), ContainsSubstring("all 9 are uniform"));
}

TEST_CASE("latent law: between two vectors on the arc, straight for uniform numbers") {
  const LatentLaw<double> law(1);
  const double a[] = {-1, 2, 0}, b[] = {1, 0, 3};
  double out[3];
  law.between(a, b, 3, 0, out);
  for (int i = 0; i < 3; ++i) CHECK(out[i] == a[i]);
  law.between(a, b, 3, 1, out);
  for (int i = 0; i < 3; ++i) CHECK(out[i] == Approx(b[i]).margin(1e-15));
  // The normal parts stand at a right angle, so that both have sin(t pi / 2) and cos(t pi / 2) as their weights.
  law.between(a, b, 3, 1.0 / 3, out);
  CHECK(out[0] == Approx(-1.0 / 3).epsilon(1e-12));
  CHECK(out[1] == Approx(2 * std::cos(std::numbers::pi / 6)).epsilon(1e-12));
  CHECK(out[2] == Approx(3 * std::sin(std::numbers::pi / 6)).epsilon(1e-12));

  // No one arc: the same direction, the opposite one, and no direction at all.
  for (const double factor : {2.0, -2.0, 0.0}) {
    const double c[] = {0, 2 * factor, 0};
    law.between(a, c, 3, 0.25, out);
    CHECK(out[1] == Approx(0.75 * 2 + 0.25 * c[1]).epsilon(1e-12));
    CHECK(out[2] == 0);
  }
}
