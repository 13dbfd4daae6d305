// Writes a page with every kind of section, of a training of 100,000 steps, for check.mjs to use.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/image/png.hpp"
#include "rival/report/page.hpp"

int main(int, char** argv) {
  using namespace rival;
  const double gap = std::numeric_limits<double>::quiet_NaN();
  Random random(1);
  const auto noise = [&](Index count) {
    Tensor<float> values({count});
    random.fill_normal(values);
    return values;
  };
  const auto picture = [&](Index height, Index width, Index channels) {
    Image image{height, width, channels, {}};
    const auto values = noise(height * width * channels);
    for (Index i = 0; i < values.size(); ++i) image.bytes.push_back(to_byte(values[i]));
    return encode_png(image);
  };

  Page page("toy </script>\"><b>x\xff", "step 100,000 of 100,000 & all is well");
  page.warnings("Warnings", {{1200, "mode collapse", "samples are much alike"}, {50000, "</ul>", "<img src=x>"}});
  std::vector<Frame> frames;
  for (int i = 0; i < 10; ++i) frames.push_back({100.0 * i, picture(60, 60, 1)});
  page.frames("Samples", frames);
  constexpr Index steps = 100000;
  Series discriminator{"discriminator", {}}, generator{"generator", {}};
  const auto of_discriminator = noise(steps), of_generator = noise(steps);
  for (Index i = 0; i < steps; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(steps);
    discriminator.y.push_back(1.4 - t + 0.2 * of_discriminator[i] + (i % 9999 == 7 ? 50 : 0));
    generator.y.push_back(i > 20000 && i < 25000 ? gap : 1 + t + 0.3 * of_generator[i]);
  }
  page.curves("Losses </script>", "step", {discriminator, generator});
  page.curves("Distance", "step", {{"distance </script>", {30, 20, gap, 10, 8}, {100, 200, 300, 400, 500}}});
  page.bars("Modes", {{"0", 120}, {"T-shirt/top", 20}, {"a class with a long name, or so", 200}, {"none", 0}});
  std::vector<Bar> bars;
  const auto heights = noise(1000);
  for (Index i = 0; i < heights.size(); ++i) bars.push_back({std::to_string(i), std::abs(20.0 * heights[i])});
  page.bars("A thousand modes", bars);
  std::vector<Picture> pictures;
  for (int i = 0; i < 8; ++i) pictures.push_back({picture(30, 60, 3), "no. 12345, distance 4.32"});
  page.pictures("Nearest", pictures, "A sample, and what is nearest.");
  page.table("Settings", {},
             {{"--out", std::string(60, 'x') + "/y"}, {"--x", "</td></table><script>alert(1)</script>"}});
  page.table(
      "Generator", {"layer", "parameters", "options"},
      {{"conv1", "1,234,567", "kernel 4, stride 2, no bias, and many more options, so that the row is a long one"},
       {"relu", "", ""}});
  page.save(argv[1]);
}
