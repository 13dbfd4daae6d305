#pragma once
// refresh_statistics(): what batch norms know of their inputs, for the weights and the samples as they are now.

#include <algorithm>
#include <vector>

#include "rival/data/loader.hpp"
#include "rival/nn/network.hpp"

namespace rival {

/// How many samples the running statistics are made of.
struct RefreshOptions {
  Index batch = 256;  ///< samples a pass; fewer if there are fewer
  long passes = 50;   ///< at the usual momentum of 0.1 the first half of them is forgotten
};

/// Training passes over samples of `data`, in an order drawn from `random`, which move the running statistics and
/// nothing else: streams, such as dropout's, are put back. For a network that was trained on distorted samples and is
/// to see plain ones, or whose weights are an average: the statistics that training left are those of other samples and
/// weights. Throws Error when the samples do not fit.
template <class S>
void refresh_statistics(Network<S>& network, const Dataset& data, const Random& random,
                        const RefreshOptions& options = {}) {
  require(options.passes >= 1, "refresh_statistics: expected at least 1 pass, got ", options.passes);
  Loader<S> loader(data, {.batch = std::min(options.batch, data.size())}, random);
  Tensor<S> samples;
  Trace<S> trace;
  const State<S> state = network.state();
  std::vector<Random> streams;
  for (const auto& [name, stream] : state.streams) streams.push_back(*stream);
  for (long i = 0; i < options.passes; ++i) {
    if (!loader.next(samples)) loader.next(samples);  // the next epoch
    network.forward(samples, trace);
  }
  for (std::size_t i = 0; i < streams.size(); ++i) *state.streams[i].second = streams[i];
}

}  // namespace rival
