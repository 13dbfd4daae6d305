#include "common/checkpoints.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <sstream>
#include <string_view>
#include <system_error>
#include <tuple>

namespace {

constexpr std::string_view prefix = "checkpoint-", suffix = ".safetensors";

bool is_checkpoint(std::string_view name) {
  return name.size() > prefix.size() + suffix.size() && name.starts_with(prefix) && name.ends_with(suffix) &&
         name.substr(0, name.size() - suffix.size()).find_first_not_of("0123456789", prefix.size()) == name.npos;
}

}  // namespace

rival::CheckpointExtras Checkpoints::find(const std::function<void(const std::string& what)>& complain) {
  const auto all = files();
  for (auto path = all.rbegin(); path != all.rend(); ++path) {
    try {
      rival::CheckpointExtras extras = rival::read_checkpoint_extras(*path);
      newest_ = *path;
      return extras;
    } catch (const rival::Error& error) {
      complain(error.what());
    }
  }
  rival::fail("--resume: expected a checkpoint in ", folder_, ", found ", all.empty() ? "none" : "no whole one");
}

void Checkpoints::write(long steps, const Save& save) {
  if (steps == written_) return;
  char name[64];
  std::snprintf(name, sizeof name, "checkpoint-%06ld.safetensors", steps);
  const auto path = folder_ / name;
  if (written_ == 0) remove_parts();
  save(path);
  // Those of an earlier run are not to be mixed up with this one's.
  const bool afresh = written_ == 0 && !options_.resume;
  newest_ = path;
  written_ = steps;
  auto others = files();
  std::erase(others, path);
  if (afresh && !others.empty()) {  // somebody may have forgotten --resume
    std::filesystem::rename(others.back(), folder_ / ("earlier-" + others.back().filename().string()));
    others.pop_back();
  }
  const auto kept = afresh ? 0 : static_cast<std::size_t>(std::max(options_.keep, 1L) - 1);
  for (std::size_t i = 0; i + kept < others.size(); ++i) std::filesystem::remove(others[i]);
}

std::filesystem::path Checkpoints::of_earlier_run() const {
  if (options_.resume || written_ > 0) return {};
  const auto all = files();
  return all.empty() ? std::filesystem::path() : all.back();
}

std::vector<std::filesystem::path> Checkpoints::files() const {
  std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored))
    if (is_checkpoint(entry.path().filename().string()) && entry.is_regular_file(ignored))
      found.emplace_back(entry.last_write_time(ignored), entry.path());
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    const auto size = [](const auto& one) { return one.second.native().size(); };
    return std::tuple(a.first, size(a), a.second) < std::tuple(b.first, size(b), b.second);
  });
  std::vector<std::filesystem::path> paths;
  for (auto& [time, path] : found) paths.push_back(std::move(path));
  return paths;
}

void Checkpoints::remove_parts() const {
  std::error_code ignored;
  std::vector<std::filesystem::path> parts;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto end = name.find(suffix);
    if (name.ends_with(".part") && end != name.npos && is_checkpoint(name.substr(0, end + suffix.size())))
      parts.push_back(entry.path());
  }
  for (const auto& part : parts) std::filesystem::remove(part, ignored);
}

void put_stream(rival::CheckpointExtras& extras, const std::string& name, const rival::Random& stream) {
  const auto& at = stream.position();
  extras.texts[name] = rival::internal::concatenate(at.seed, ' ', at.stream, ' ', at.block);
}

rival::Random take_stream(const rival::CheckpointExtras& extras, const std::string& name) {
  rival::Random::Position at;
  std::istringstream(extras.texts.at(name)) >> at.seed >> at.stream >> at.block;
  return rival::Random(at);
}

template void rival::AdversarialTrainer<float>::save(const std::filesystem::path&, const rival::CheckpointExtras&);
template rival::CheckpointExtras rival::AdversarialTrainer<float>::load(const std::filesystem::path&);
template void rival::SupervisedTrainer<float>::save(const std::filesystem::path&, const rival::CheckpointExtras&);
template rival::CheckpointExtras rival::SupervisedTrainer<float>::load(const std::filesystem::path&);
