#include "outputs.hpp"

#include <sstream>

#include "rival/core/file.hpp"
#include "rival/image/curves.hpp"
#include "rival/image/png.hpp"
#include "rival/io/npy.hpp"

namespace {

std::string losses_csv(const std::vector<rival::StepReport>& steps) {
  std::ostringstream csv;
  csv.precision(9);
  csv << "step,epoch,discriminator_loss,generator_loss,real_score,fake_score,accuracy,penalty,auxiliary_loss\n";
  for (const auto& s : steps)
    csv << s.step << ',' << s.epoch << ',' << s.discriminator_loss << ',' << s.generator_loss << ',' << s.real_score
        << ',' << s.fake_score << ',' << s.accuracy << ',' << s.penalty << ',' << s.auxiliary_loss << '\n';
  return csv.str();
}

}  // namespace

std::vector<std::filesystem::path> write_outputs(const std::filesystem::path& folder, const Results& results) {
  std::vector<std::filesystem::path> written;
  const auto path = [&](const char* name) { return written.emplace_back(folder / name); };

  rival::write_png(path("samples.png"), rival::grid(results.samples, {.columns = results.columns, .scale = 2}));
  results.animation.save(path("progress.gif"));
  rival::replace_file(path("losses.csv"), losses_csv(results.steps));
  rival::Series discriminator{"discriminator", {}}, generator{"generator", {}};
  for (const auto& s : results.steps) {
    discriminator.y.push_back(s.discriminator_loss);
    generator.y.push_back(s.generator_loss);
  }
  rival::write_curves_svg(path("losses.svg"), "Losses", "step", {discriminator, generator});
  if (!results.generated.empty()) rival::write_npy(path("generated.npy"), results.generated);
  rival::replace_file(path("summary.txt"), results.summary);
  return written;
}
