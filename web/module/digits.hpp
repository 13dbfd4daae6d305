#pragma once
// Digits: a generator of classes, what lies between its classes, and the directions in which its latent space bends
// most.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rival/core/eigenvalues.hpp"
#include "rival/io/sampler.hpp"

namespace web {

using rival::Index;
using rival::require;

class Digits {
 public:
  /// Of a safetensors file's bytes. Throws Error for a file that is damaged or holds no generator of classes.
  explicit Digits(std::string file)
      : generator_(rival::load_generator(rival::Safetensors::parse(std::move(file), "generator"))),
        classes_(rival::internal::classes_of(generator_)),
        mixed_(generator_) {
    require(classes_ > 0, "digits: expected a generator of classes, got one without");
    find_directions();
  }

  Index latent() const { return generator_.latent(); }
  Index classes() const { return classes_; }
  /// Of an image.
  rival::Shape shape() const { return generator_.output_shape(); }

  /// The latent vector {1, latent} of a seed.
  rival::Tensor<> draw(std::uint64_t seed) const {
    rival::Tensor<> vector({1, latent()});
    rival::Random(seed).fill_normal(vector);
    return vector;
  }

  /// A row a direction, {latent, latent}, of length 1, that which changes the first layer's output most first: the
  /// eigenvectors of A A^T, A being the first layer's weights, latent x outputs (Shen and Zhou, "Closed-form
  /// factorization of latent semantics in GANs", 2021).
  const rival::Tensor<>& directions() const { return directions_; }

  /// Images of latent vectors {N, latent} and classes, one a vector.
  rival::Tensor<> sample(const rival::Tensor<>& latents, rival::Labels labels) const {
    return generator_.sample(latents, labels);
  }

  /// The image of a latent vector {1, latent} and of a class that lies between those there are: each table of classes
  /// gives the mean of its rows, weighted. Throws Error unless there is a weight >= 0 for each class, one at least
  /// above 0.
  rival::Tensor<> sample_mixed(const rival::Tensor<>& latent, const std::vector<float>& weights) {
    require(static_cast<Index>(weights.size()) == classes_, "digits: expected ", classes_, " weights, got ",
            weights.size());
    float sum = 0;
    for (const float weight : weights) {
      require(weight >= 0, "digits: expected weights >= 0, got ", weight);
      sum += weight;
    }
    require(sum > 0, "digits: expected a weight above 0, got none");
    // The mean stands in the first row of a second generator.
    const auto from = generator_.parameters(), to = mixed_.parameters();
    for (std::size_t p = 0; p < from.size(); ++p) {
      const auto& table = from[p]->value;
      if (table.rank() != 2 || table.dim(0) != classes_) continue;
      auto row = to[p]->value.matrix().row(0);
      row.setZero();
      for (Index k = 0; k < classes_; ++k) row += weights[static_cast<std::size_t>(k)] / sum * table.matrix().row(k);
    }
    const std::uint16_t first[] = {0};
    return mixed_.sample(latent, first);
  }

 private:
  void find_directions() {
    const auto parameters = generator_.parameters();
    require(!parameters.empty() && parameters[0]->value.size() % latent() == 0,
            "digits: expected a first layer that takes the latent vector");
    // Kernels are stored {height, width, in, out}: of each pixel of the kernel a matrix in x out. A dense layer has
    // one.
    const auto& weight = parameters[0]->value;
    const Index out = weight.cols(), pixels = weight.size() / (latent() * out);
    Eigen::MatrixXf bend = Eigen::MatrixXf::Zero(latent(), latent());
    for (Index k = 0; k < pixels; ++k) {
      const rival::ConstMatrixMap<float> a(weight.data() + k * latent() * out, latent(), out);
      bend += a * a.transpose();
    }
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solver(bend);
    directions_.resize({latent(), latent()});
    directions_.matrix() = solver.eigenvectors().rowwise().reverse().transpose();
  }

  rival::Generator<> generator_;
  Index classes_;
  rival::Generator<> mixed_;
  rival::Tensor<> directions_;
};

}  // namespace web
